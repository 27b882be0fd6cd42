package exchange

import (
	"crypto/x509"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
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
	// Hello is the handshake; nil without TLS.
	Hello *proxytls.Hello
	// TCP is the connection below all, to be asked how far its peer is. It may be nil.
	TCP *net.TCPConn
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
	found  atomic.Pointer[found]
}

// found is what a target proxy's name stands for in a root.
type found struct {
	root  *config.Root
	name  *string
	proxy *config.TargetProxy
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

// TargetProxy is the target proxy in a root, nil if there is none. The last answer is kept, so that requests don't search.
func (f *Frontend) TargetProxy(root *config.Root) *config.TargetProxy {
	name := f.target.Load()
	if at := f.found.Load(); at != nil && at.root == root && at.name == name {
		return at.proxy
	}
	if name == nil {
		return nil
	}
	proxy := root.TargetProxy(*name)
	f.found.Store(&found{root: root, name: name, proxy: proxy})
	return proxy
}

// NewClient fills in what follows from the addresses.
func NewClient(f *Frontend, peer, local netip.AddrPort, scheme string) Client {
	c := Client{Frontend: f, Scheme: scheme}
	c.Peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	c.Local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	size := len("255.255.255.255,255.255.255.255")
	if !c.Peer.Addr().Is4() || !c.Local.Addr().Is4() {
		size = maxForwarded
	}
	c.Forwarded = c.Peer.Addr().AppendTo(make([]byte, 0, size))
	c.Forwarded = append(c.Forwarded, ',')
	c.Forwarded = c.Local.Addr().AppendTo(c.Forwarded)
	return c
}

// maxForwarded holds two addresses without zones.
const maxForwarded = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") * 2
