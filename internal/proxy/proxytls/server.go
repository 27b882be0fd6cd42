package proxytls

import (
	"crypto/tls"
	"sync/atomic"
)

// Server is the TLS side of a listener. Its policy changes while it serves: each handshake uses the policy that is set
// when its ClientHello has been read.
type Server struct {
	tickets *Tickets
	bound   atomic.Pointer[binding]
	config  *tls.Config
}

// binding is a policy with its ready configurations.
type binding struct {
	policy  *ServerPolicy
	configs map[*serverName]*tls.Config
}

// NewServer makes a server whose sessions resume with the given tickets. tickets is nil for no resumption.
func NewServer(p *ServerPolicy, tickets *Tickets) *Server {
	s := &Server{tickets: tickets}
	s.config = &tls.Config{GetConfigForClient: s.choose}
	s.Set(p)
	return s
}

// Config is for tls.Server. It is the same for the life of the Server.
func (s *Server) Config() *tls.Config { return s.config }

// Policy is the one in force.
func (s *Server) Policy() *ServerPolicy { return s.bound.Load().policy }

// Set changes the policy for later handshakes. Connections and handshakes that have begun keep theirs.
func (s *Server) Set(p *ServerPolicy) {
	if b := s.bound.Load(); b != nil && b.policy == p {
		return
	}
	b := &binding{policy: p, configs: make(map[*serverName]*tls.Config, len(p.names))}
	for _, n := range p.names {
		b.configs[n] = s.configFor(p, n)
	}
	s.bound.Store(b)
}

// refuse has no certificates, which crypto/tls answers with the alert unrecognized_name.
var refuse = &tls.Config{SessionTicketsDisabled: true}

func (s *Server) choose(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	b := s.bound.Load()
	n, ok := b.policy.hosts.Find(hello.ServerName)
	if !ok {
		return refuse, nil
	}
	greet(hello, n)
	return b.configs[n], nil
}

func (s *Server) configFor(p *ServerPolicy, n *serverName) *tls.Config {
	c := &tls.Config{
		GetCertificate: n.certificate,
		MinVersion:     p.minVersion,
		CipherSuites:   p.suites,
		NextProtos:     p.alpn,
		ClientAuth:     n.clientAuth,
		ClientCAs:      n.clientCAs,
		// One record for each write of up to 16 KiB: small first records would cost a system call each.
		DynamicRecordSizingDisabled: true,
	}
	if s.tickets == nil {
		c.SessionTicketsDisabled = true
		return c
	}
	c.WrapSession = func(_ tls.ConnectionState, state *tls.SessionState) ([]byte, error) {
		return s.tickets.seal(state, n.validation[:])
	}
	c.UnwrapSession = func(ticket []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
		return s.tickets.open(ticket, n.validation[:]), nil
	}
	return c
}

// certificate chooses: one that names the host and that the client can verify, the cheapest first; else one that the
// client can at least verify; else the first.
func (n *serverName) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(n.certificates) == 1 {
		return &n.certificates[0].pair, nil
	}
	for _, c := range n.certificates {
		if hello.SupportsCertificate(&c.pair) == nil {
			return &c.pair, nil
		}
	}
	nameless := *hello
	nameless.ServerName = ""
	for _, c := range n.certificates {
		if nameless.SupportsCertificate(&c.pair) == nil {
			return &c.pair, nil
		}
	}
	return &n.certificates[0].pair, nil
}
