package sample

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/websocket"
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
	TLS       *tlsState           `json:"tls,omitempty"`
	output    io.Writer
}

// echoBasic answers with the request that it got. The header X-Echo-Set-Header, NAME:VALUE pairs split by commas, sets
// headers of the answer; /status/N answers with that status; /retry/ fails at first; /ws echoes WebSocket messages;
// ?delay=DURATION waits. It prints a line for each request, by which the tests of mirrors know who got what. H2C_PORT speaks HTTP/2 as well, as every port of a sample does; HTTPS_PORT is open if
// TLS_SERVER_CERT and TLS_SERVER_PRIVKEY name files. GRPC_ECHO_SERVER makes it a gRPC server.
func echoBasic(pod Pod, c Container) (*Backend, error) {
	port, err := c.envPort("HTTP_PORT", 3000)
	if err != nil {
		return nil, err
	}
	base := echo{
		Namespace: orElse(c.Env["NAMESPACE"], pod.Namespace), Pod: orElse(c.Env["POD_NAME"], pod.Name),
		Ingress: c.Env["INGRESS_NAME"], Service: c.Env["SERVICE_NAME"], HTTPPort: strconv.Itoa(int(port)),
		output: c.output(),
	}
	b := &Backend{Ports: []uint16{port}, Handler: &grpcEcho{base: base}}
	if c.Env["GRPC_ECHO_SERVER"] == "" {
		h2c, err := c.envPort("H2C_PORT", 3001)
		if err != nil {
			return nil, err
		}
		b.Ports, b.Handler = append(b.Ports, h2c), base.handler()
	}
	return b, c.secure(b)
}

func (e echo) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { text(w, "OK") })
	mux.HandleFunc("/status/{code}", status)
	mux.HandleFunc("/", e.answer)
	mux.Handle("/retry/", &flaky{attempts: map[string]int{}, then: e.answer})
	mux.Handle("/ws", websocket.Handler(func(ws *websocket.Conn) { _, _ = io.Copy(ws, ws) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect.
		r.URL.Path = strings.ReplaceAll(r.URL.Path, "//", "/")
		mux.ServeHTTP(w, r)
	})
}

func (e echo) answer(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(e.output, "Echoing back request made to %s to client (%s)\n", r.RequestURI, r.RemoteAddr)
	if !sleep(r, r.URL.Query().Get("delay")) {
		return
	}
	e.Path, e.Host, e.Method, e.Proto, e.Headers = r.RequestURI, r.Host, r.Method, r.Proto, r.Header
	e.TLS = echoTLS(r.TLS)
	body, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	setEchoed(w.Header(), r.Header.Values("X-Echo-Set-Header"))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body)
}

// setEchoed sets the headers that a client asked for, names as it wrote them; values of one name are joined.
func setEchoed(h http.Header, wanted []string) {
	for _, list := range wanted {
		for pair := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), ":")
			value = strings.TrimSpace(value)
			if old := h[name]; len(old) > 0 {
				value = old[0] + "," + value
			}
			h[name] = []string{value}
		}
	}
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
