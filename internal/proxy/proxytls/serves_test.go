package proxytls

import (
	"crypto/tls"
	"testing"
)

// TestServesIsWhatClientsGet compares it with handshakes, of several certificates for the same and for other names.
func TestServesIsWhatClientsGet(t *testing.T) {
	ca := newAuthority(t, "ca")
	r := resources{certificates: map[string]*Certificate{
		"rsa":   ca.parsed(t, rsaKey(t), "a.test", "b.test"),
		"ecdsa": ca.parsed(t, ecdsaKey(t), "a.test"),
		"other": ca.parsed(t, ecdsaKey(t), "c.test"),
	}}
	p := compile(t, serverNames(map[string][]string{"": {"rsa", "ecdsa", "other"}}), r)
	s := NewServer(p, nil)
	for host, want := range map[string]string{"a.test": "ecdsa", "b.test": "rsa", "c.test": "other"} {
		got := p.Serves(host)
		if got == nil || !got.Equal(r.certificates[want].Leaf()) {
			t.Errorf("%s is served otherwise than with %s", host, want)
		}
		_, client, err := handshake(t, s.Config(), &tls.Config{ServerName: host, RootCAs: ca.pool()})
		if err != nil || got == nil || !client.PeerCertificates[0].Equal(got) {
			t.Errorf("%s: a client got another certificate, or %v", host, err)
		}
	}
	if named := compile(t, serverNames(map[string][]string{"a.test": {"rsa"}}), r); named.Serves("b.test") != nil {
		t.Error("a host that is refused is served")
	}
}
