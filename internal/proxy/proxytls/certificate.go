package proxytls

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Certificate is a parsed ssl_certificate: a chain and its private key.
type Certificate struct {
	pair tls.Certificate
	// cost orders certificates that a client could use alike: signing with RSA takes some ten times the time.
	cost int
}

// ParseCertificate says in words what is wrong with a chain, a key, or their match. A certificate that is not valid now
// is none of its business: see Warning.
func ParseCertificate(c *lbv1.SslCertificate) (*Certificate, error) {
	if len(c.GetCertificateChainPem()) == 0 {
		return nil, errors.New("no certificate chain")
	}
	if len(c.GetPrivateKeyPem()) == 0 {
		return nil, errors.New("no private key")
	}
	pair, err := tls.X509KeyPair(c.GetCertificateChainPem(), c.GetPrivateKeyPem())
	if err != nil {
		return nil, err
	}
	out := &Certificate{pair: pair, cost: 1}
	switch pair.PrivateKey.(type) {
	case *ecdsa.PrivateKey, ed25519.PrivateKey:
		out.cost = 0
	}
	return out, nil
}

// Leaf is the certificate itself. It is not to be changed.
func (c *Certificate) Leaf() *x509.Certificate { return c.pair.Leaf }

// NotAfter is the end of the leaf's validity.
func (c *Certificate) NotAfter() time.Time { return c.pair.Leaf.NotAfter }

// Warning says what clients will hold against the certificate at that time, "" where nothing. It is served all the
// same: an expired certificate is one click or one flag away from working, a refused handshake is not.
func (c *Certificate) Warning(now time.Time) string {
	leaf := c.pair.Leaf
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Sprintf("certificate %q expired on %s", leaf.Subject, leaf.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return fmt.Sprintf("certificate %q is not valid before %s",
			leaf.Subject, leaf.NotBefore.UTC().Format(time.DateOnly))
	case len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.URIs) == 0:
		return fmt.Sprintf("certificate %q has no subject alternative name; clients ignore its common name", leaf.Subject)
	}
	return ""
}
