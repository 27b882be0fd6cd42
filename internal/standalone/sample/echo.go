package sample

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// echo is the answer of the Gateway API conformance tests' echo-basic.
type echo struct {
	Path      string              `json:"path"`
	Host      string              `json:"host"`
	Method    string              `json:"method"`
	Proto     string              `json:"proto"`
	Headers   map[string][]string `json:"headers"`
	HTTPPort  string              `json:"httpPort"`
	Namespace string              `json:"namespace"`
	Ingress   string              `json:"ingress"`
	Service   string              `json:"service"`
	Pod       string              `json:"pod"`
}

// echoBasic answers with the request that it got. The header X-Echo-Set-Header, NAME:VALUE pairs split by commas, sets
// headers of the answer; /status/N answers with that status; /retry/ fails at first; ?delay=DURATION waits. H2C_PORT speaks
// HTTP/2 as well, as every port of a sample does.
func echoBasic(pod Pod, c Container) (*Backend, error) {
	port, err := c.envPort("HTTP_PORT", 3000)
	if err != nil {
		return nil, err
	}
	h2c, err := c.envPort("H2C_PORT", 3001)
	if err != nil {
		return nil, err
	}
	base := echo{
		Namespace: orElse(c.Env["NAMESPACE"], pod.Namespace), Pod: orElse(c.Env["POD_NAME"], pod.Name),
		Ingress: c.Env["INGRESS_NAME"], Service: c.Env["SERVICE_NAME"], HTTPPort: strconv.Itoa(int(port)),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { text(w, "OK") })
	mux.HandleFunc("/status/{code}", status)
	answer := func(w http.ResponseWriter, r *http.Request) {
		if !sleep(r, r.URL.Query().Get("delay")) {
			return
		}
		e := base
		e.Path, e.Host, e.Method, e.Proto, e.Headers = r.RequestURI, r.Host, r.Method, r.Proto, r.Header
		writeEcho(w, r, e)
	}
	mux.HandleFunc("/", answer)
	mux.Handle("/retry/", &flaky{attempts: map[string]int{}, then: answer})
	return &Backend{Ports: []uint16{port, h2c}, Handler: mux}, nil
}

func writeEcho(w http.ResponseWriter, r *http.Request, e echo) {
	body, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for _, value := range r.Header.Values("X-Echo-Set-Header") {
		for pair := range strings.SplitSeq(value, ",") {
			if name, v, ok := strings.Cut(strings.TrimSpace(pair), ":"); ok {
				w.Header().Add(name, strings.TrimSpace(v))
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body)
}

// status answers /status/N.
func status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 999 {
		http.Error(w, "not a status: "+r.PathValue("code"), http.StatusBadRequest)
		return
	}
	w.WriteHeader(code)
}

// sleep waits for a duration, given as Go writes them, and returns false if the client goes away meanwhile.
func sleep(r *http.Request, duration string) bool {
	d, err := time.ParseDuration(duration)
	if err != nil || d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

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
