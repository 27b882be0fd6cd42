package fact

import (
	"net/netip"

	"github.com/spillway-lb/spillway/internal/store"
)

// KindAddressPool is the kind of AddressPool.
const KindAddressPool = "address-pool"

// AddressPool names the fact of the range that addresses of Gateways and Ingresses are from, a netip.Prefix of IPv4. Without a value
// it is address.Gateways.
func AddressPool() store.Fact { return store.Fact{Kind: KindAddressPool} }

// KindAllocating is the kind of Allocating.
const KindAllocating = "allocating"

// Allocating names the fact that clusters give Services their addresses themselves, as API servers do: a bool. Without a value the
// addresses follow from names.
func Allocating() store.Fact { return store.Fact{Kind: KindAllocating} }

// Pool is the range, or another one if nobody has said it.
func Pool(v Reader, otherwise netip.Prefix) netip.Prefix {
	if pool, ok := v.Fact(AddressPool()).(netip.Prefix); ok {
		return pool
	}
	return otherwise
}
