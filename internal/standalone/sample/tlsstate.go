package sample

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// tlsState is what echo-basic says of the connection that a request came over.
type tlsState struct {
	Version            string   `json:"version"`
	PeerCertificates   []string `json:"peerCertificates,omitempty"`
	ServerName         string   `json:"serverName"`
	NegotiatedProtocol string   `json:"negotiatedProtocol,omitempty"`
	CipherSuite        string   `json:"cipherSuite"`
}

// echoTLS is nil for a connection without TLS.
func echoTLS(s *tls.ConnectionState) *tlsState {
	if s == nil {
		return nil
	}
	out := &tlsState{
		Version: "TLSv1.3", ServerName: s.ServerName, NegotiatedProtocol: s.NegotiatedProtocol,
		CipherSuite: tls.CipherSuiteName(s.CipherSuite),
	}
	if s.Version == tls.VersionTLS12 {
		out.Version = "TLSv1.2"
	}
	for _, c := range s.PeerCertificates {
		out.PeerCertificates = append(out.PeerCertificates, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
	}
	return out
}

// secure adds HTTPS_PORT if the container is given a certificate. TLS_CLIENT_CACERTS verifies certificates of clients that
// have one. HTTP and gRPC mode of the real image spell the key's variable differently; here each has both.
func (c Container) secure(b *Backend) error {
	certificate, key := c.Env["TLS_SERVER_CERT"], orElse(c.Env["TLS_SERVER_PRIVKEY"], c.Env["TLS_SERVER_PRIV_KEY"])
	if certificate == "" || key == "" {
		return nil
	}
	port, err := c.envPort("HTTPS_PORT", 8443)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(c.Files[certificate], c.Files[key])
	if err != nil {
		return fmt.Errorf("TLS_SERVER_CERT %s, TLS_SERVER_PRIVKEY %s: %w", certificate, key, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if ca := c.Env["TLS_CLIENT_CACERTS"]; ca != "" {
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(c.Files[ca]) {
			return fmt.Errorf("TLS_CLIENT_CACERTS %s: no certificate in it", ca)
		}
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	b.Ports = append(b.Ports, port)
	b.TLS = map[uint16]*tls.Config{port: config}
	return nil
}
