package http1

import (
	"net/http"
	"strconv"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// statusLine is the first line of an answer. What no message can have is an error of whoever made it.
func statusLine(status int) string {
	if !message.ValidStatus(status) {
		status = http.StatusInternalServerError
	}
	return statusLines[status]
}

// statusLines holds "HTTP/1.1 200 OK\r\n" for every status that a message can have.
var statusLines = func() (t [600]string) {
	for status := 100; status < len(t); status++ {
		t[status] = "HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\n"
	}
	return t
}()
