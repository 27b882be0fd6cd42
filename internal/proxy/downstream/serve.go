package downstream

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// handshakeTime bounds TLS handshakes.
const handshakeTime = 10 * time.Second

// Serve serves a client's connection, in this goroutine or in others, until it ends: then it calls closed. config is nil
// without TLS.
func (s *Server) Serve(nc *net.TCPConn, f *exchange.Frontend, config *tls.Config, closed func()) {
	if config == nil {
		s.newH1(nc, newClient(nc, f, "http"), closed).run()
		return
	}
	// What follows has a goroutine of its own: the stack of this one has grown to what handshakes take.
	if after := s.secured(nc, f, config, closed); after != nil {
		go after()
		return
	}
	_ = nc.Close()
	closed()
}

// newClient is what is known of a connection.
func newClient(nc *net.TCPConn, f *exchange.Frontend, scheme string) exchange.Client {
	c := exchange.NewClient(f, addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr()), scheme)
	c.TCP = nc
	return c
}

// secured makes the handshake. It returns what serves the connection then, or nil.
func (s *Server) secured(nc *net.TCPConn, f *exchange.Frontend, config *tls.Config, closed func()) (after func()) {
	defer s.Guard.Recover("handshake", nil)
	tc := transport.TLSServer(nc, config)
	pending := &handshake{tc}
	s.add(pending)
	defer s.remove(pending)
	hello := &proxytls.Hello{}
	if !s.handshake(tc, f, hello) {
		return nil
	}
	client := newClient(nc, f, "https")
	state := tc.ConnectionState()
	hello.Finish(&state)
	client.Hello = hello
	client.TLSVersion, client.TLSCipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	client.ServerName = state.ServerName
	if len(state.PeerCertificates) > 0 {
		client.PeerCertificate = state.PeerCertificates[0]
	}
	if state.NegotiatedProtocol == "h2" {
		return func() {
			defer closed()
			s.serveH2(tc, client, nil)
		}
	}
	return s.newH1(tc, client, closed).run
}

// handshake is a connection whose client has not been able to ask for anything yet.
type handshake struct{ conn net.Conn }

// drain implements drainer: what the client wants to ask is served.
func (h *handshake) drain() {}

func (h *handshake) abort() { _ = h.conn.SetDeadline(time.Unix(1, 0)) }

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// handshake runs TLS, within its time.
func (s *Server) handshake(tc *tls.Conn, f *exchange.Frontend, hello *proxytls.Hello) bool {
	counts := s.Metrics.Frontend(f.Name)
	_ = tc.SetDeadline(time.Now().Add(handshakeTime))
	if err := tc.HandshakeContext(proxytls.WithHello(context.Background(), hello)); err != nil {
		counts.HandshakeFailures.Inc()
		return false
	}
	_ = tc.SetDeadline(time.Time{})
	counts.Handshakes.Inc()
	if tc.ConnectionState().DidResume {
		counts.Resumed.Inc()
	}
	return true
}
