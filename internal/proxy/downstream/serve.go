package downstream

import (
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// handshakeTime bounds TLS handshakes.
const handshakeTime = 10 * time.Second

// Serve serves a client's connection until it ends. config is nil without TLS.
func (s *Server) Serve(nc *net.TCPConn, f *exchange.Frontend, config *tls.Config) {
	peer, local := addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr())
	if config == nil {
		s.serveH1(nc, exchange.NewClient(f, peer, local, "http"))
		return
	}
	defer s.Guard.Recover("handshake", func() { _ = nc.Close() })
	tc := transport.TLSServer(nc, config)
	pending := &handshake{tc}
	s.add(pending)
	ok := s.handshake(tc, f)
	s.remove(pending)
	if !ok {
		_ = nc.Close()
		return
	}
	client := exchange.NewClient(f, peer, local, "https")
	state := tc.ConnectionState()
	client.TLSVersion, client.TLSCipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	client.ServerName = state.ServerName
	if len(state.PeerCertificates) > 0 {
		client.PeerCertificate = state.PeerCertificates[0]
	}
	if state.NegotiatedProtocol == "h2" {
		s.serveH2(tc, client, nil)
		return
	}
	s.serveH1(tc, client)
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
func (s *Server) handshake(tc *tls.Conn, f *exchange.Frontend) bool {
	counts := s.Metrics.Frontend(f.Name)
	_ = tc.SetDeadline(time.Now().Add(handshakeTime))
	if err := tc.Handshake(); err != nil {
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
