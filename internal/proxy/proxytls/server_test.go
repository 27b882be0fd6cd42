package proxytls

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// connected is a pair of connections over loopback: in memory, both sides would wait for each other's writes.
func connected(t testing.TB) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// handshake connects a client to a server. The client reads a byte, so that tickets of TLS 1.3 arrive.
func handshake(t testing.TB, server, client *tls.Config) (server2, client2 tls.ConnectionState, err error) {
	t.Helper()
	a, b := connected(t)
	defer a.Close()
	defer b.Close()
	deadline := time.Now().Add(10 * time.Second)
	_ = a.SetDeadline(deadline)
	_ = b.SetDeadline(deadline)
	s, c := tls.Server(a, server), tls.Client(b, client)
	failed := make(chan error, 1)
	go func() {
		_, err := s.Write([]byte("x"))
		if err != nil {
			_ = a.Close()
		}
		failed <- err
	}()
	if _, err = c.Read(make([]byte, 1)); err != nil {
		_ = b.Close()
		<-failed
		return s.ConnectionState(), c.ConnectionState(), err
	}
	err = <-failed
	return s.ConnectionState(), c.ConnectionState(), err
}

func serverNames(hosts map[string][]string) *lbv1.DownstreamTls {
	d := new(lbv1.DownstreamTls)
	for host, certificates := range hosts {
		d.ServerNames = append(d.ServerNames, &lbv1.ServerName{Host: host, Certificates: certificates})
	}
	return d
}

func compile(t testing.TB, d *lbv1.DownstreamTls, r Resources) *ServerPolicy {
	t.Helper()
	p, err := CompileServer(d, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMostSpecificServerNameWins(t *testing.T) {
	c := newAuthority(t, "ca").parsed(t, ecdsaKey(t), "a.example")
	r := resources{certificates: map[string]*Certificate{"c": c}}
	d := serverNames(map[string][]string{
		"a.example": {"c"}, "*.example": {"c"}, "*.b.example": {"c"}, "": {"c"},
	})
	p := compile(t, d, r)
	for sni, want := range map[string]string{
		"a.example": "a.example", "A.Example": "a.example", "a.example.": "a.example",
		"x.example": "*.example", "x.y.example": "*.example",
		"b.example": "*.example", "x.b.example": "*.b.example", "x.y.b.example": "*.b.example",
		"example": "", ".example": "", "other.test": "", "": "",
	} {
		if got, ok := p.hosts.Find(sni); !ok || got.host != want {
			t.Errorf("%q: got %q %t, want %q", sni, got.host, ok, want)
		}
	}
	p = compile(t, serverNames(map[string][]string{"a.example": {"c"}}), r)
	if got, ok := p.hosts.Find("b.example"); ok {
		t.Errorf("a host that nobody serves is %q", got.host)
	}
}

func TestCompileServerErrors(t *testing.T) {
	c := newAuthority(t, "ca").parsed(t, ecdsaKey(t), "a.example")
	r := resources{certificates: map[string]*Certificate{"c": c}}
	twice := &lbv1.DownstreamTls{ServerNames: []*lbv1.ServerName{
		{Host: "a.example", Certificates: []string{"c"}}, {Host: "A.example", Certificates: []string{"c"}},
	}}
	trust := serverNames(map[string][]string{"": {"c"}})
	trust.ServerNames[0].ClientValidation = &lbv1.ClientValidation{TrustConfigs: []string{"gone"}}
	for want, d := range map[string]*lbv1.DownstreamTls{
		`certificate "gone" does not exist`:  serverNames(map[string][]string{"a": {"gone"}}),
		"no certificate":                     serverNames(map[string][]string{"a": nil}),
		"given twice":                        twice,
		`trust config "gone" does not exist`: trust,
	} {
		if _, err := CompileServer(d, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestUnknownServerNameIsRefused(t *testing.T) {
	c := newAuthority(t, "ca").parsed(t, ecdsaKey(t), "a.example")
	p := compile(t, serverNames(map[string][]string{"a.example": {"c"}}),
		resources{certificates: map[string]*Certificate{"c": c}})
	server := NewServer(p, NewTickets(time.Now())).Config()
	_, _, err := handshake(t, server, &tls.Config{ServerName: "b.example", InsecureSkipVerify: true})
	if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("got %v", err)
	}
}

func TestClientAlgorithmsChooseTheCertificate(t *testing.T) {
	ca := newAuthority(t, "ca")
	r := resources{certificates: map[string]*Certificate{
		"rsa": ca.parsed(t, rsaKey(t), "a.example"), "ec": ca.parsed(t, ecdsaKey(t), "a.example"),
		"other": ca.parsed(t, ecdsaKey(t), "b.example"),
	}}
	server := NewServer(compile(t, serverNames(map[string][]string{"": {"rsa", "other", "ec"}}), r), nil).Config()
	only := func(suites ...uint16) *tls.Config {
		return &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: suites, ServerName: "a.example", RootCAs: ca.pool()}
	}
	for name, c := range map[string]struct {
		client *tls.Config
		want   x509.PublicKeyAlgorithm
	}{
		"both":      {&tls.Config{ServerName: "a.example", RootCAs: ca.pool()}, x509.ECDSA},
		"rsa only":  {only(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), x509.RSA},
		"ec only":   {only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), x509.ECDSA},
		"elsewhere": {&tls.Config{ServerName: "c.example", InsecureSkipVerify: true}, x509.ECDSA},
	} {
		_, state, err := handshake(t, server, c.client)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := state.PeerCertificates[0].PublicKeyAlgorithm; got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestVersionAndALPN(t *testing.T) {
	ca := newAuthority(t, "ca")
	r := resources{certificates: map[string]*Certificate{"c": ca.parsed(t, ecdsaKey(t), "a.example")}}
	d := serverNames(map[string][]string{"": {"c"}})
	d.MinVersion = lbv1.TlsVersion_TLS_1_3
	server := NewServer(compile(t, d, r), nil).Config()
	client := &tls.Config{ServerName: "a.example", RootCAs: ca.pool(), NextProtos: []string{"http/1.1", "h2"}}
	state, _, err := handshake(t, server, client)
	if err != nil || state.NegotiatedProtocol != "h2" {
		t.Errorf("got %q, %v: the server's order counts", state.NegotiatedProtocol, err)
	}
	client.NextProtos = []string{"http/1.0"}
	if state, _, err = handshake(t, server, client); err != nil || state.NegotiatedProtocol != "http/1.0" {
		t.Errorf("got %q, %v: HTTP/1.0 has a name too", state.NegotiatedProtocol, err)
	}
	client.MaxVersion = tls.VersionTLS12
	if _, _, err := handshake(t, server, client); err == nil {
		t.Error("TLS 1.2 was accepted where 1.3 is the minimum")
	}
}

func TestReloadServesTheNewCertificateAndResumesOldSessions(t *testing.T) {
	ca := newAuthority(t, "ca")
	first, second := ca.parsed(t, ecdsaKey(t), "a.example"), ca.parsed(t, ecdsaKey(t), "a.example")
	d := serverNames(map[string][]string{"a.example": {"c"}})
	server := NewServer(compile(t, d, resources{certificates: map[string]*Certificate{"c": first}}), NewTickets(time.Now()))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{
			ServerName: "a.example", RootCAs: ca.pool(), MaxVersion: version,
			ClientSessionCache: tls.NewLRUClientSessionCache(1),
		}
		if _, _, err := handshake(t, server.Config(), client); err != nil {
			t.Fatal(err)
		}
		server.Set(compile(t, d, resources{certificates: map[string]*Certificate{"c": second}}))
		_, state, err := handshake(t, server.Config(), client)
		if err != nil || !state.DidResume {
			t.Errorf("version %x: resumed %t, %v", version, state.DidResume, err)
		}
		client.ClientSessionCache = nil
		_, state, err = handshake(t, server.Config(), client)
		if err != nil || !state.PeerCertificates[0].Equal(second.pair.Leaf) {
			t.Errorf("version %x: the old certificate is still served (%v)", version, err)
		}
	}
}

// validated is a server with two hosts that demand certificates of two authorities, and one that demands none.
func validated(t *testing.T, mode lbv1.ClientValidation_Mode, ca, users, admins *authority) *Server {
	r := resources{
		certificates: map[string]*Certificate{"c": ca.parsed(t, ecdsaKey(t), "*.example")},
		trust:        map[string]*TrustConfig{"users": users.trust(t), "admins": admins.trust(t)},
	}
	d := serverNames(map[string][]string{"open.example": {"c"}})
	for _, name := range []string{"users", "admins"} {
		d.ServerNames = append(d.ServerNames, &lbv1.ServerName{
			Host: name + ".example", Certificates: []string{"c"},
			ClientValidation: &lbv1.ClientValidation{TrustConfigs: []string{name}, Mode: mode},
		})
	}
	return NewServer(compile(t, d, r), NewTickets(time.Now()))
}

func TestClientValidation(t *testing.T) {
	ca, users, admins := newAuthority(t, "ca"), newAuthority(t, "users"), newAuthority(t, "admins")
	forClients := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	alice, err := ParseCertificate(users.issue(t, ecdsaKey(t), forClients, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	present := func(host string, certificates ...tls.Certificate) *tls.Config {
		return &tls.Config{ServerName: host, RootCAs: ca.pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certificates) == 0 {
				return new(tls.Certificate), nil
			}
			return &certificates[0], nil
		}}
	}
	strict := validated(t, lbv1.ClientValidation_REQUIRE_VALID, ca, users, admins).Config()
	lax := validated(t, lbv1.ClientValidation_ALLOW_INSECURE_FALLBACK, ca, users, admins).Config()
	for name, c := range map[string]struct {
		server, client *tls.Config
		ok             bool
	}{
		"valid":              {strict, present("users.example", alice.pair), true},
		"none":               {strict, present("users.example"), false},
		"of another CA":      {strict, present("admins.example", alice.pair), false},
		"not asked for":      {strict, present("open.example"), true},
		"lax: valid":         {lax, present("users.example", alice.pair), true},
		"lax: none":          {lax, present("users.example"), true},
		"lax: of another CA": {lax, present("admins.example", alice.pair), true},
	} {
		if _, _, err := handshake(t, c.server, c.client); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSessionsDoNotResumeUnderAnotherValidation(t *testing.T) {
	ca, users, admins := newAuthority(t, "ca"), newAuthority(t, "users"), newAuthority(t, "admins")
	forClients := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	alice, err := ParseCertificate(users.issue(t, ecdsaKey(t), forClients, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	server := validated(t, lbv1.ClientValidation_REQUIRE_VALID, ca, users, admins).Config()
	cache := &oneSession{}
	client := &tls.Config{
		ServerName: "users.example", RootCAs: ca.pool(), ClientSessionCache: cache,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &alice.pair, nil },
	}
	if _, _, err := handshake(t, server, client); err != nil {
		t.Fatal(err)
	}
	if _, state, err := handshake(t, server, client); err != nil || !state.DidResume {
		t.Fatalf("the same host does not resume: %v", err)
	}
	client = client.Clone()
	client.ServerName = "admins.example"
	if _, _, err := handshake(t, server, client); err == nil {
		t.Error("a session of the users' host got into the admins' host")
	}
	client.ServerName = "open.example"
	if _, state, err := handshake(t, server, client); err != nil || state.DidResume {
		t.Errorf("resumed across validations: %t, %v", state.DidResume, err)
	}
}

// oneSession gives the same session for every server name, as a hostile client would.
type oneSession struct{ session *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool)    { return o.session, o.session != nil }
func (o *oneSession) Put(_ string, session *tls.ClientSessionState) { o.session = session }
