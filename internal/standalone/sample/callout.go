package sample

import (
	"crypto/tls"
	"fmt"

	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// calloutBasic is Google's sample callout: gRPC with TLS on 443 and without on 8080, health checks on 80. Like the real one it
// has a certificate of its own, for localhost, where TLS_SERVER_CERT and TLS_SERVER_PRIVKEY name no files.
func calloutBasic(_ Pod, c Container) (*Backend, error) {
	if err := c.noCommand("python-example-basic"); err != nil {
		return nil, err
	}
	config, err := c.calloutTLS()
	if err != nil {
		return nil, err
	}
	return &Backend{
		Ports: []uint16{443, 8080, 80}, Handler: calloutserver.Handler(calloutserver.Basic.Process),
		TLS: map[uint16]*tls.Config{443: config},
	}, nil
}

// calloutTLS is what port 443 speaks.
func (c Container) calloutTLS() (*tls.Config, error) {
	certificate, key := c.Files[c.Env["TLS_SERVER_CERT"]], c.Files[c.Env["TLS_SERVER_PRIVKEY"]]
	if certificate == nil || key == nil {
		own, err := calloutserver.Certificate()
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("TLS_SERVER_CERT %s, TLS_SERVER_PRIVKEY %s: %w", c.Env["TLS_SERVER_CERT"], c.Env["TLS_SERVER_PRIVKEY"], err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
}
