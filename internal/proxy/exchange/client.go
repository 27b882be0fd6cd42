package exchange

import (
	"crypto/x509"
	"net/netip"
	"sync/atomic"
)

// Client is what is known about a client's connection.
type Client struct {
	// Frontend is where it came in.
	Frontend *Frontend
	// Peer and Local are its ends.
	Peer, Local netip.AddrPort
	// Forwarded is what the connection adds to X-Forwarded-For: "client,load balancer".
	Forwarded []byte
	// Scheme is "http" or "https".
	Scheme string
	// TLSVersion, TLSCipher and ServerName describe TLS.
	TLSVersion, TLSCipher, ServerName string
	// PeerCertificate is the client's; nil without one.
	PeerCertificate *x509.Certificate
}

// Frontend is one listening address as exchanges see it.
type Frontend struct {
	// Name is the forwarding rule's.
	Name string
	// Port is the one that is bound.
	Port uint16
	// Reach translates a port as users write it into the one bound on the same address; nil changes nothing.
	Reach func(uint16) uint16

	target atomic.Pointer[string]
}

// SetTarget names the target proxy that serves requests from now on.
func (f *Frontend) SetTarget(name string) { f.target.Store(&name) }

// Target is the name of the target proxy.
func (f *Frontend) Target() string {
	if name := f.target.Load(); name != nil {
		return *name
	}
	return ""
}

// NewClient fills in what follows from the addresses.
func NewClient(f *Frontend, peer, local netip.AddrPort, scheme string) Client {
	c := Client{Frontend: f, Scheme: scheme}
	c.Peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	c.Local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	c.Forwarded = c.Peer.Addr().AppendTo(c.Forwarded)
	c.Forwarded = append(c.Forwarded, ',')
	c.Forwarded = c.Local.Addr().AppendTo(c.Forwarded)
	return c
}
