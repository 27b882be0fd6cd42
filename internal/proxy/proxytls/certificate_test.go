package proxytls

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestParseCertificateSaysWhatIsWrong(t *testing.T) {
	ca := newAuthority(t, "ca")
	good := ca.issue(t, ecdsaKey(t), nil, "a.example")
	other := ca.issue(t, ecdsaKey(t), nil, "a.example")
	for name, c := range map[string]struct {
		in   *lbv1.SslCertificate
		want string
	}{
		"empty":   {&lbv1.SslCertificate{}, "no certificate chain"},
		"no key":  {&lbv1.SslCertificate{CertificateChainPem: good.CertificateChainPem}, "no private key"},
		"not PEM": {&lbv1.SslCertificate{CertificateChainPem: []byte("x"), PrivateKeyPem: good.PrivateKeyPem}, "PEM"},
		"mismatch": {
			&lbv1.SslCertificate{CertificateChainPem: good.CertificateChainPem, PrivateKeyPem: other.PrivateKeyPem},
			"private key does not match public key",
		},
	} {
		if _, err := ParseCertificate(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	ca := newAuthority(t, "ca")
	now := time.Now()
	for want, change := range map[string]func(*x509.Certificate){
		"":                            nil,
		"expired on":                  func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) },
		"not valid before":            func(c *x509.Certificate) { c.NotBefore = now.Add(time.Minute) },
		"no subject alternative name": func(c *x509.Certificate) { c.DNSNames = nil },
	} {
		c, err := ParseCertificate(ca.issue(t, ecdsaKey(t), change, "a.example"))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Warning(now); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

func TestParseTrustConfig(t *testing.T) {
	ca := newAuthority(t, "ca")
	if _, err := ParseTrustConfig(&lbv1.TrustConfig{}); err == nil {
		t.Error("an empty trust config was taken")
	}
	key := ca.issue(t, ecdsaKey(t), nil, "a.example").PrivateKeyPem
	if _, err := ParseTrustConfig(&lbv1.TrustConfig{CaPem: append(key, ca.pem...)}); err == nil {
		t.Error("a private key in a trust config was taken")
	}
	if c := ca.trust(t); len(c.authorities) != 1 {
		t.Errorf("%d authorities", len(c.authorities))
	}
}
