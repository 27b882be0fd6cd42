package proxytls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// CompileClient makes the configuration for connections to the endpoints of a backend service, or nil where its
// protocol has no TLS. A nil BackendTls verifies nothing, as Google's load balancers do.
func CompileClient(b *lbv1.BackendTls, protocol lbv1.BackendProtocol, r Resources) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		DynamicRecordSizingDisabled: true,
	}
	switch protocol {
	case lbv1.BackendProtocol_HTTPS:
		c.NextProtos = []string{"http/1.1"}
	case lbv1.BackendProtocol_HTTP2:
		c.NextProtos = []string{"h2"}
	default:
		return nil, nil
	}
	if b == nil {
		c.InsecureSkipVerify = true
		return c, nil
	}
	if err := setVerification(c, b, r); err != nil {
		return nil, err
	}
	if name := b.GetClientCertificate(); name != "" {
		own := r.Certificate(name)
		if own == nil {
			return nil, fmt.Errorf("client certificate %q does not exist", name)
		}
		c.Certificates = []tls.Certificate{own.pair}
	}
	return c, nil
}

// ForEndpoint gives one endpoint its own session cache: endpoints do not share ticket keys, and crypto/tls looks
// sessions up by server name only.
func ForEndpoint(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.ClientSessionCache = tls.NewLRUClientSessionCache(2)
	return c
}

func setVerification(c *tls.Config, b *lbv1.BackendTls, r Resources) error {
	if b.GetHostname() == "" {
		return errors.New("backend TLS without a hostname")
	}
	if len(b.GetTrustConfigs()) == 0 {
		return errors.New("backend TLS without a trust config")
	}
	roots, _, err := pool(b.GetTrustConfigs(), r)
	if err != nil {
		return err
	}
	c.ServerName = b.GetHostname()
	c.RootCAs = roots
	if names := b.GetSubjectAltNames(); len(names) > 0 {
		// The names replace the hostname, so the standard check (of the hostname) is replaced as a whole.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if err := verifyChain(s.PeerCertificates, roots); err != nil {
				return err
			}
			return verifyNames(s.PeerCertificates[0], names)
		}
	}
	return nil
}

func verifyChain(chain []*x509.Certificate, roots *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("tls: the backend sent no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates})
	return err
}

// verifyNames demands one of the names.
func verifyNames(leaf *x509.Certificate, names []*lbv1.SubjectAltName) error {
	for _, n := range names {
		if host := n.GetHostname(); host != "" && leaf.VerifyHostname(host) == nil {
			return nil
		}
		for _, u := range leaf.URIs {
			if n.GetUri() != "" && u.String() == n.GetUri() {
				return nil
			}
		}
	}
	return fmt.Errorf("tls: the backend's certificate %q carries none of the %d subject alternative names",
		leaf.Subject, len(names))
}
