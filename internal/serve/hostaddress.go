package serve

import (
	"context"
	"net"
	"net/netip"
)

// hostHas tells whether something can listen on an address of this machine. Every loopback address counts: where a
// system has none but 127.0.0.1, that stands in for it.
func hostHas(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		return false
	}
	return l.Close() == nil
}
