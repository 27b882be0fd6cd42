package http1

import (
	"net/http"
	"strconv"
)

// statusLines holds "HTTP/1.1 200 OK\r\n" for every status that a message can have.
var statusLines = func() (t [600]string) {
	for status := 100; status < len(t); status++ {
		t[status] = "HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\n"
	}
	return t
}()
