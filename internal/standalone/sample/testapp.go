package sample

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxBytes bounds /bytes/N.
const maxBytes = 64 << 20

// testApp is spillway/test-app, an app that fails as it is told.
//
//	PORT=8080        where it listens
//	STATUS=404       what / answers; /health answers 200 all the same
//	HEALTH=503       what /health answers
//	DELAY=200ms      how long / waits first
//	SIGTERM=ignore   serves on until it is killed; quit ends at once and cuts what is in flight; unhealthy serves on until it is
//	                 killed, while /health answers 503; anything else finishes the requests in flight
//	/status/N        answers with that status
//	/delay/DURATION  answers after a while; so does ?delay=DURATION anywhere
//	/bytes/N         answers with N bytes
//	/echo            answers with the request's body
//	/crash           ends the program with status 1
func testApp(pod Pod, c Container) (*Backend, error) {
	port, err := c.envPort("PORT", 8080)
	if err != nil {
		return nil, err
	}
	rootStatus, err := strconv.Atoi(orElse(c.Env["STATUS"], "200"))
	if err != nil {
		return nil, err
	}
	health, err := strconv.Atoi(orElse(c.Env["HEALTH"], "200"))
	if err != nil {
		return nil, err
	}
	exit := make(chan int, 1)
	var leaving atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if leaving.Load() {
			answer(w, http.StatusServiceUnavailable, "leaving\n")
			return
		}
		answer(w, health, "ok\n")
	})
	mux.HandleFunc("/status/{code}", status)
	mux.HandleFunc("/delay/{duration}", func(w http.ResponseWriter, r *http.Request) {
		if sleep(r, r.PathValue("duration")) {
			answer(w, http.StatusOK, pod.Name+"\n")
		}
	})
	mux.HandleFunc("/bytes/{n}", manyBytes)
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/crash", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "bye\n")
		_ = http.NewResponseController(w).Flush() // the answer may still be lost, as in any crash
		select {
		case exit <- 1:
		default:
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if sleep(r, c.Env["DELAY"]) && sleep(r, r.URL.Query().Get("delay")) {
			answer(w, rootStatus, pod.Name+"\n")
		}
	})
	onTerm := func() Term {
		switch c.Env["SIGTERM"] {
		case "ignore":
			return TermIgnore
		case "quit":
			return TermQuit
		case "unhealthy":
			leaving.Store(true)
			return TermIgnore
		}
		return TermFinish
	}
	return &Backend{Ports: []uint16{port}, Handler: mux, Exit: exit, OnTerm: onTerm}, nil
}

func answer(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body))
}

func manyBytes(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || n < 0 || n > maxBytes {
		http.Error(w, "between 0 and "+strconv.Itoa(maxBytes)+" bytes", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	chunk := strings.Repeat("x", 32<<10)
	for n > 0 {
		part := chunk[:min(n, int64(len(chunk)))]
		if _, err := io.WriteString(w, part); err != nil {
			return
		}
		n -= int64(len(part))
	}
}
