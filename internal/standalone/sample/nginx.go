package sample

import (
	"net/http"
	"net/url"
)

// nginx shows the page of a fresh installation.
func nginx(_ Pod, _ Container) (*Backend, error) {
	page := func(w http.ResponseWriter, code int, title, rest string) {
		w.Header().Set("Server", "nginx")
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("<!DOCTYPE html>\n<html>\n<head>\n<title>" + title + "</title>\n</head>\n<body>\n<h1>" +
			title + "</h1>\n" + rest + "</body>\n</html>\n"))
	}
	return &Backend{Ports: []uint16{80}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, err := url.PathUnescape(r.URL.Path); err != nil || (p != "/" && p != "/index.html") {
			page(w, http.StatusNotFound, "404 Not Found", "<hr><center>nginx</center>\n")
			return
		}
		page(w, http.StatusOK, "Welcome to nginx!", "<p>If you see this page, the nginx web server is successfully "+
			"installed and\nworking. Further configuration is required.</p>\n")
	})}, nil
}
