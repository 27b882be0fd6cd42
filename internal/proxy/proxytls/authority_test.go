package proxytls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"sync"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

var serial = struct {
	sync.Mutex
	next int64
}{next: 1}

func template(name string, dns ...string) *x509.Certificate {
	serial.Lock()
	defer serial.Unlock()
	serial.next++
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial.next),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     dns,
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key := ecdsaKey(t)
	ca := template(name)
	ca.IsCA, ca.BasicConstraintsValid = true, true
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: parsed, key: key, pem: encode("CERTIFICATE", der)}
}

func ecdsaKey(t testing.TB) crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB) crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// issue signs a certificate; change may be nil.
func (a *authority) issue(t testing.TB, key crypto.Signer, change func(*x509.Certificate), dns ...string) *lbv1.SslCertificate {
	t.Helper()
	leaf := template("leaf", dns...)
	if change != nil {
		change(leaf)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &lbv1.SslCertificate{
		CertificateChainPem: encode("CERTIFICATE", der),
		PrivateKeyPem:       encode("PRIVATE KEY", keyDER),
	}
}

func (a *authority) parsed(t testing.TB, key crypto.Signer, dns ...string) *Certificate {
	t.Helper()
	c, err := ParseCertificate(a.issue(t, key, nil, dns...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *authority) trust(t testing.TB) *TrustConfig {
	t.Helper()
	c, err := ParseTrustConfig(&lbv1.TrustConfig{CaPem: a.pem})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func withURI(s string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		u, err := url.Parse(s)
		if err != nil {
			panic(err)
		}
		c.URIs = append(c.URIs, u)
	}
}

// resources are found in maps.
type resources struct {
	certificates map[string]*Certificate
	trust        map[string]*TrustConfig
}

func (r resources) Certificate(name string) *Certificate { return r.certificates[name] }
func (r resources) TrustConfig(name string) *TrustConfig { return r.trust[name] }
