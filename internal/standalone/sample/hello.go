package sample

import (
	"log"
	"net/http"
	"strings"
)

// helloApp is google-samples/hello-app, whose tags 1.0 and 2.0 differ in the version they tell.
func helloApp(pod Pod, c Container) (*Backend, error) {
	if err := c.noCommand("hello-app"); err != nil {
		return nil, err
	}
	port, err := c.envPort("PORT", 8080)
	if err != nil {
		return nil, err
	}
	version := "1.0.0"
	if strings.HasPrefix(strings.TrimPrefix(tag(c.Image), "v"), "2") {
		version = "2.0.0"
	}
	body := "Hello, world!\nVersion: " + version + "\nHostname: " + pod.Name + "\n"
	logger := helloLog(c, port)
	return &Backend{Ports: []uint16{port}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logger.Printf("Serving request: %s", r.URL.Path)
		text(w, body)
	})}, nil
}

// helloLog is where the hello-apps print that they listen, and the path of each request.
func helloLog(c Container, port uint16) *log.Logger {
	logger := log.New(c.output(), "", log.LstdFlags)
	logger.Printf("Server listening on port %d", port)
	return logger
}

// serveHostname is Kubernetes' serve_hostname: the Pod's name and nothing else.
func serveHostname(pod Pod, c Container) (*Backend, error) {
	port, err := parsePort("port", c.flag("port", "9376"))
	if err != nil {
		return nil, err
	}
	return &Backend{Ports: []uint16{port}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text(w, pod.Name)
	})}, nil
}

// agnhost is Kubernetes' test image, as far as its serve-hostname and netexec commands serve HTTP.
func agnhost(pod Pod, c Container) (*Backend, error) {
	for _, arg := range c.Args {
		if arg == "serve-hostname" {
			return serveHostname(pod, c)
		}
	}
	port, err := parsePort("http-port", c.flag("http-port", "8080"))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { text(w, "NOW: "+c.Now().String()) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, "") })
	mux.HandleFunc("/hostname", func(w http.ResponseWriter, _ *http.Request) { text(w, pod.Name) })
	mux.HandleFunc("/clientip", func(w http.ResponseWriter, r *http.Request) { text(w, r.RemoteAddr) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { text(w, r.FormValue("msg")) })
	return &Backend{Ports: []uint16{port}, Handler: mux}, nil
}
