package exchange

import (
	"bytes"
	"net/netip"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// clientAddress is the peer, or what trusted proxies in front say: the entry of X-Forwarded-For that the outermost
// trusted one wrote, counted from the right.
func (x *Exchange) clientAddress() netip.AddrPort {
	hops := 0
	if x.target != nil {
		hops = int(x.target.Spec.GetTrustedHops())
	}
	if hops == 0 {
		return x.client.Peer
	}
	for i := x.Request.Header.Len() - 1; i >= 0; i-- {
		f := x.Request.Header.At(i)
		if f.ID != header.XForwardedFor {
			continue
		}
		for list := f.Value; list != nil; {
			entry := list
			if cut := bytes.LastIndexByte(list, ','); cut >= 0 {
				entry, list = list[cut+1:], list[:cut]
			} else {
				list = nil
			}
			if hops--; hops == 0 {
				return parseAddress(bytes.TrimSpace(entry), x.client.Peer)
			}
		}
	}
	return x.client.Peer
}

// parseAddress reads an address with or without port.
func parseAddress(text []byte, otherwise netip.AddrPort) netip.AddrPort {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		return netip.AddrPortFrom(a, 0)
	}
	if a, err := netip.ParseAddrPort(string(text)); err == nil {
		return a
	}
	return otherwise
}
