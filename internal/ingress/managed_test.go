package ingress

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
)

// pair makes a self-signed certificate for a.test.
func pair(t *testing.T, public, private any) *proxytls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a.test"}, NotAfter: time.Now().Add(time.Hour)}
	chain, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	c, err := proxytls.ParseCertificate(&lbv1.SslCertificate{
		CertificateChainPem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain}),
		PrivateKeyPem:       pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOneOfTwoCertificatesIsActive: where two are for a domain, only the one that proxies choose is said to be served.
func TestOneOfTwoCertificatesIsActive(t *testing.T) {
	edPublic, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all := certificates{"first": pair(t, edPublic, edPrivate), "second": pair(t, ec.Public(), ec)}
	policy, err := proxytls.CompileServer(tlsOf([]string{"first", "second"}), all)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"first": managedActive, "second": managedNotVisible} {
		u := managedUser{Leaf: all[name].Leaf(), policy: policy}
		if state, why := u.domain("a.test"); state != want || (why == "") != (want == managedActive) {
			t.Errorf("%s is %s: %s", name, state, why)
		}
		if state, why := u.domain("b.test"); state != managedNotVisible || why == "" {
			t.Errorf("%s is %s for what it is not for: %s", name, state, why)
		}
	}
	if state, why := (&managedUser{Leaf: all["first"].Leaf()}).domain("a.test"); state != managedProvisioning || why == "" {
		t.Errorf("an Ingress that does not listen makes it %s: %s", state, why)
	}
}

// TestWhatWasServedStaysActive while proxies take the next version of an Ingress, and only that.
func TestWhatWasServedStaysActive(t *testing.T) {
	told := &networkingv1.ManagedCertificateStatus{
		CertificateName: "c", DomainStatus: []networkingv1.DomainStatus{{Domain: "a.test", Status: managedActive}, {Domain: "b.test", Status: managedProvisioning}},
	}
	under := fact.Progress{Total: 2, Ready: 1}
	refused := fact.Progress{Total: 2, Ready: 2, Refused: []fact.Refusal{{}}}
	for _, c := range []struct {
		name     string
		user     managedUser
		domain   string
		expected bool
	}{
		{"taken", managedUser{progress: fact.Progress{Total: 1, Ready: 1}}, "a.test", true},
		{"no proxies", managedUser{told: told, Certificate: certificate{Name: "c"}}, "a.test", false},
		{"on its way", managedUser{progress: under}, "a.test", false},
		{"on its way, active before", managedUser{progress: under, told: told, Certificate: certificate{Name: "c"}}, "a.test", true},
		{"on its way, never active", managedUser{progress: under, told: told, Certificate: certificate{Name: "c"}}, "b.test", false},
		{"on its way, new domain", managedUser{progress: under, told: told, Certificate: certificate{Name: "c"}}, "c.test", false},
		{"on its way, another certificate", managedUser{progress: under, told: told, Certificate: certificate{Name: "d"}}, "a.test", false},
		{"refused", managedUser{progress: refused, told: told, Certificate: certificate{Name: "c"}}, "a.test", false},
	} {
		if got := c.user.up(c.domain); got != c.expected {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
