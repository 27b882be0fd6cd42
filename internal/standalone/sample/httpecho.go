package sample

import (
	"net/http"
	"strconv"
	"strings"
)

// httpEcho is hashicorp/http-echo: -text on -listen.
func httpEcho(_ Pod, c Container) (*Backend, error) {
	listen := c.flag("listen", ":5678")
	port, err := parsePort("listen", listen[strings.LastIndexByte(listen, ':')+1:])
	if err != nil {
		return nil, err
	}
	code, err := strconv.Atoi(c.flag("status-code", "200"))
	if err != nil {
		return nil, err
	}
	body := c.flag("text", orElse(c.Env["ECHO_TEXT"], "hello-world")) + "\n"
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-App-Name", "http-echo")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	})
	return &Backend{Ports: []uint16{port}, Handler: mux}, nil
}
