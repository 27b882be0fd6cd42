package fact

import (
	"net/netip"

	"github.com/spillway-lb/spillway/internal/store"
)

// HostAddress names the fact whether the proxies' host has an address, so that something can listen on it. Its value is a
// bool; there is none for an address that nobody has looked at, which then counts as usable.
func HostAddress(addr netip.Addr) store.Fact {
	return store.Fact{Kind: KindHostAddress, Key: addr.String()}
}
