package proxytls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync"
)

// Hello is what a handshake tells of a client beside the connection's state: how it greeted, and what its certificate is worth where
// handshakes go on with any.
type Hello struct {
	// CipherSuite is the one that was agreed on.
	CipherSuite uint16

	name  *serverName
	once  sync.Once
	chain []*x509.Certificate
	err   error

	said     greeting
	printed  sync.Once
	ja3, ja4 string
}

type helloKey struct{}

// WithHello is a context for a handshake that fills h in.
func WithHello(ctx context.Context, h *Hello) context.Context {
	return context.WithValue(ctx, helloKey{}, h)
}

// greet fills in what the ClientHello says.
func greet(hello *tls.ClientHelloInfo, n *serverName) {
	if h, ok := hello.Context().Value(helloKey{}).(*Hello); ok {
		h.greeted(hello, n)
	}
}

// greeted keeps what fingerprints are made of. They cost more than all else here, and few ask for them.
func (h *Hello) greeted(hello *tls.ClientHelloInfo, n *serverName) {
	h.said, h.name = greetingOf(hello), n
}

// JA3 is a fingerprint of the ClientHello.
func (h *Hello) JA3() string {
	h.printed.Do(h.fingerprint)
	return h.ja3
}

// JA4 is another fingerprint of the ClientHello.
func (h *Hello) JA4() string {
	h.printed.Do(h.fingerprint)
	return h.ja4
}

func (h *Hello) fingerprint() {
	h.ja3, h.ja4 = h.said.ja3(), h.said.ja4()
	h.said = greeting{}
}

// Finish takes what a handshake has come to.
func (h *Hello) Finish(state *tls.ConnectionState) {
	h.CipherSuite, h.chain = state.CipherSuite, state.PeerCertificates
}

// Chain is what the client has shown, its own certificate first.
func (h *Hello) Chain() []*x509.Certificate { return h.chain }

// Asked tells whether the client was asked for a certificate.
func (h *Hello) Asked() bool { return h.name != nil && h.name.clientAuth != tls.NoClientCert }

// Verify says why the chain does not lead to an authority that the server name trusts. Handshakes that demand it have ended where it
// does not; for others it is looked at when somebody asks, once.
func (h *Hello) Verify() error {
	h.once.Do(func() {
		if !h.Asked() || len(h.chain) == 0 || h.name.clientAuth == tls.RequireAndVerifyClientCert {
			return
		}
		between := x509.NewCertPool()
		for _, c := range h.chain[1:] {
			between.AddCert(c)
		}
		_, h.err = h.chain[0].Verify(x509.VerifyOptions{
			Roots: h.name.clientCAs, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
	})
	return h.err
}
