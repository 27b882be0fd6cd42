package sample

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// httpsEcho is mendhak/http-https-echo: what it was asked, as JSON, on HTTP_PORT. Its HTTPS port needs a certificate that is
// part of the image, and is not open here.
func httpsEcho(pod Pod, c Container) (*Backend, error) {
	if err := c.noCommand("http-https-echo"); err != nil {
		return nil, err
	}
	port, err := c.envPort("HTTP_PORT", 8080)
	if err != nil {
		return nil, err
	}
	return &Backend{Ports: []uint16{port}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := map[string]any{"host": r.Host}
		for name, values := range r.Header {
			headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		query := map[string]any{}
		for name, values := range r.URL.Query() {
			if query[name] = values; len(values) == 1 {
				query[name] = values[0]
			}
		}
		host, _, _ := strings.Cut(r.Host, ":")
		body := readBody(r)
		sendJSON(w, map[string]any{
			"path": r.URL.Path, "headers": headers, "method": r.Method, "body": body, "fresh": false, "hostname": host,
			"ip": remoteIP(r.RemoteAddr), "ips": []string{}, "protocol": "http", "query": query, "subdomains": []string{}, "xhr": false,
			"os": map[string]any{"hostname": pod.Name}, "connection": map[string]any{},
		})
	})}, nil
}

// fakeService is nicholasjackson/fake-service without upstreams: a MESSAGE under a NAME at LISTEN_ADDR.
func fakeService(pod Pod, c Container) (*Backend, error) {
	if err := c.noCommand("fake-service"); err != nil {
		return nil, err
	}
	for _, name := range []string{"UPSTREAM_URIS", "ERROR_RATE", "TLS_CERT_LOCATION"} {
		if value := c.Env[name]; value != "" && value != "0" {
			return nil, unsupportedVariable("fake-service", name)
		}
	}
	if t := c.Env["SERVER_TYPE"]; t != "" && t != "http" {
		return nil, unsupportedVariable("fake-service", "SERVER_TYPE")
	}
	listen := orElse(c.Env["LISTEN_ADDR"], "0.0.0.0:9090")
	port, err := parsePort("LISTEN_ADDR", listen[strings.LastIndexByte(listen, ':')+1:])
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { text(w, "OK") })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		sendJSON(w, map[string]any{
			"name": orElse(c.Env["NAME"], "Service"), "uri": r.URL.Path, "type": "HTTP", "ip_addresses": []string{pod.IP},
			"body": orElse(c.Env["MESSAGE"], "Hello World"), "code": http.StatusOK,
		})
	})
	return &Backend{Ports: []uint16{port}, Handler: mux}, nil
}

func sendJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // to the client; it may have gone
}

// maxEchoed bounds the part of a body that is sent back, in bytes.
const maxEchoed = 1 << 20

func readBody(r *http.Request) string {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxEchoed))
	if err != nil {
		return ""
	}
	return string(b)
}

func remoteIP(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

func unsupportedVariable(image, name string) error {
	return fmt.Errorf("the built-in %s does not obey %s; map the image to a command in spillway.yaml", image, name)
}
