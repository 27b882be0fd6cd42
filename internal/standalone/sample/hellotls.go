package sample

import (
	"crypto/tls"
	"fmt"
	"net/http"
)

// helloAppTLS is google-samples/hello-app-tls: HTTPS with the certificate and key in the files that TLS_CERT and TLS_KEY name.
func helloAppTLS(pod Pod, c Container) (*Backend, error) {
	if err := c.noCommand("hello-app-tls"); err != nil {
		return nil, err
	}
	port, err := c.envPort("PORT", 8443)
	if err != nil {
		return nil, err
	}
	certificate, key := c.Env["TLS_CERT"], c.Env["TLS_KEY"]
	pair, err := tls.X509KeyPair(c.Files[certificate], c.Files[key])
	if err != nil {
		return nil, fmt.Errorf("TLS_CERT %q and TLS_KEY %q: %w", certificate, key, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	logger := helloLog(c, port)
	return &Backend{
		Ports: []uint16{port}, TLS: map[uint16]*tls.Config{port: config},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			logger.Printf("Serving request: %s", r.URL.Path)
			text(w, "Hello, world!\nProtocol: "+r.Proto+"\nHostname: "+pod.Name+"\n")
		}),
	}, nil
}
