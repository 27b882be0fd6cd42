package exchange

import (
	"bytes"
	"net/netip"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// clientAddress is whose request it is: the peer, or what trusted proxies in front say, which is the entry of X-Forwarded-For that
// the outermost trusted one wrote, counted from the right. It is resolved once, when the exchange begins, from what the client sent;
// affinity, access log, traces and filters have this one, and no edit of a filter or rule changes it. Only what is added to
// X-Forwarded-For is the peer's own address: the next hop counts from there.
func clientAddress(h *header.Map, hops int, peer netip.AddrPort) netip.AddrPort {
	if hops == 0 {
		return peer
	}
	for i := h.Len() - 1; i >= 0; i-- {
		f := h.At(i)
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
				return parseAddress(bytes.TrimSpace(entry), peer)
			}
		}
	}
	return peer
}

// parseAddress reads an address with or without port; IPv4 within IPv6 is IPv4, as a peer's is.
func parseAddress(text []byte, otherwise netip.AddrPort) netip.AddrPort {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		return netip.AddrPortFrom(a.Unmap(), 0)
	}
	if a, err := netip.ParseAddrPort(string(text)); err == nil {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return otherwise
}
