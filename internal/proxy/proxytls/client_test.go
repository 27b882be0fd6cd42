package proxytls

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestBackendVerification(t *testing.T) {
	ca, stranger := newAuthority(t, "ca"), newAuthority(t, "stranger")
	leaf, err := ParseCertificate(ca.issue(t, ecdsaKey(t), withURI("spiffe://x/backend"), "b.example"))
	if err != nil {
		t.Fatal(err)
	}
	r := resources{
		certificates: map[string]*Certificate{"c": leaf},
		trust:        map[string]*TrustConfig{"ca": ca.trust(t), "stranger": stranger.trust(t)},
	}
	server := NewServer(compile(t, serverNames(map[string][]string{"": {"c"}}), r), nil).Config()
	host := func(h string) *lbv1.SubjectAltName {
		return &lbv1.SubjectAltName{Name: &lbv1.SubjectAltName_Hostname{Hostname: h}}
	}
	uri := func(u string) *lbv1.SubjectAltName {
		return &lbv1.SubjectAltName{Name: &lbv1.SubjectAltName_Uri{Uri: u}}
	}
	backend := func(hostname, trust string, names ...*lbv1.SubjectAltName) *lbv1.BackendTls {
		return &lbv1.BackendTls{Hostname: hostname, TrustConfigs: []string{trust}, SubjectAltNames: names}
	}
	for name, c := range map[string]struct {
		tls *lbv1.BackendTls
		ok  bool
	}{
		"no verification":             {nil, true},
		"hostname":                    {backend("b.example", "ca"), true},
		"wrong hostname":              {backend("c.example", "ca"), false},
		"wrong authority":             {backend("b.example", "stranger"), false},
		"uri":                         {backend("sni.example", "ca", uri("spiffe://x/backend")), true},
		"wrong uri":                   {backend("b.example", "ca", uri("spiffe://x/other")), false},
		"any of the names":            {backend("sni.example", "ca", uri("spiffe://x/other"), host("b.example")), true},
		"names replace the hostname":  {backend("b.example", "ca", host("c.example")), false},
		"names of a wrong authority":  {backend("b.example", "stranger", uri("spiffe://x/backend")), false},
		"an empty name proves nobody": {backend("b.example", "ca", host("")), false},
	} {
		client, err := CompileClient(c.tls, lbv1.BackendProtocol_HTTPS, r)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, _, err := handshake(t, server, client); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBackendProtocols(t *testing.T) {
	ca := newAuthority(t, "ca")
	r := resources{certificates: map[string]*Certificate{"c": ca.parsed(t, ecdsaKey(t), "b.example")}}
	server := NewServer(compile(t, serverNames(map[string][]string{"": {"c"}}), r), nil).Config()
	for protocol, want := range map[lbv1.BackendProtocol]string{
		lbv1.BackendProtocol_HTTPS: "http/1.1", lbv1.BackendProtocol_HTTP2: "h2",
	} {
		client, err := CompileClient(nil, protocol, r)
		if err != nil {
			t.Fatal(err)
		}
		if _, state, err := handshake(t, server, client); err != nil || state.NegotiatedProtocol != want {
			t.Errorf("%v: %q, %v", protocol, state.NegotiatedProtocol, err)
		}
	}
	for _, protocol := range []lbv1.BackendProtocol{lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_H2C} {
		if c, err := CompileClient(nil, protocol, r); c != nil || err != nil {
			t.Errorf("%v has TLS (%v)", protocol, err)
		}
	}
}

func TestBackendClientCertificateAndSessions(t *testing.T) {
	ca := newAuthority(t, "ca")
	forClients := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	own, err := ParseCertificate(ca.issue(t, ecdsaKey(t), forClients, "proxy"))
	if err != nil {
		t.Fatal(err)
	}
	r := resources{
		certificates: map[string]*Certificate{"c": ca.parsed(t, ecdsaKey(t), "b.example"), "own": own},
		trust:        map[string]*TrustConfig{"ca": ca.trust(t)},
	}
	d := serverNames(map[string][]string{"": {"c"}})
	d.ServerNames[0].ClientValidation = &lbv1.ClientValidation{TrustConfigs: []string{"ca"}}
	server := NewServer(compile(t, d, r), NewTickets(time.Now())).Config()
	b := &lbv1.BackendTls{Hostname: "b.example", TrustConfigs: []string{"ca"}, ClientCertificate: "own"}
	shared, err := CompileClient(b, lbv1.BackendProtocol_HTTPS, r)
	if err != nil {
		t.Fatal(err)
	}
	client := ForEndpoint(shared)
	for i := range 2 {
		state, _, err := handshake(t, server, client)
		if err != nil {
			t.Fatal(err)
		}
		if len(state.PeerCertificates) != 1 || state.DidResume != (i == 1) {
			t.Errorf("handshake %d: %d client certificates, resumed %t", i, len(state.PeerCertificates), state.DidResume)
		}
	}
	if state, _, err := handshake(t, server, ForEndpoint(shared)); err != nil || state.DidResume {
		t.Errorf("endpoints share sessions (%v)", err)
	}
	b.ClientCertificate = "gone"
	if _, err := CompileClient(b, lbv1.BackendProtocol_HTTPS, r); err == nil {
		t.Error("a missing client certificate is no error")
	}
	for _, bad := range []*lbv1.BackendTls{{TrustConfigs: []string{"ca"}}, {Hostname: "b.example"}} {
		if _, err := CompileClient(bad, lbv1.BackendProtocol_HTTPS, r); err == nil {
			t.Errorf("%v compiles", bad)
		}
	}
}

// BenchmarkHandshake measures server and client together.
func BenchmarkHandshake(b *testing.B) {
	ca := newAuthority(b, "ca")
	r := resources{certificates: map[string]*Certificate{
		"ec": ca.parsed(b, ecdsaKey(b), "b.example"), "rsa": ca.parsed(b, rsaKey(b), "b.example"),
	}}
	for _, name := range []string{"ec", "rsa", "resumed"} {
		b.Run(name, func(b *testing.B) {
			certificate, client := name, &tls.Config{ServerName: "b.example", RootCAs: ca.pool(), CurvePreferences: []tls.CurveID{tls.X25519}}
			if name == "resumed" {
				certificate, client.ClientSessionCache = "ec", tls.NewLRUClientSessionCache(1)
			}
			server := NewServer(compile(b, serverNames(map[string][]string{"": {certificate}}), r), NewTickets(time.Now())).Config()
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := handshake(b, server, client); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
