// Package address derives addresses from names: what gets one, gets the same again after a restart, and whatever else
// comes or goes, unless two names fall on one address.
//
// In: a set of names and a range. Out: one distinct address for each name, by hash with probing. It is pure.
//
//	address.Assign([]string{"store/store", "store/web"}, address.ServiceImports("gke-west-1"))
//
// It holds the plan of addresses, too: which range is whose.
package address

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/spillway-lb/spillway/internal/digest"
)

// Gateways is the range of the addresses of Gateways; Pods stay out of it.
var Gateways = netip.MustParsePrefix("127.64.0.0/10")

// Services is the range of a cluster's ClusterIPs, 10.X.0.0/17.
func Services(cluster string) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, clusterByte(cluster), 0, 0}), 17)
}

// ServiceImports is the range of a cluster's ClusterSetIPs, 10.X.128.0/17.
func ServiceImports(cluster string) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, clusterByte(cluster), 128, 0}), 17)
}

// Pods is the range of a cluster's Pod addresses, 127.X.0.0/16, with X outside of the Gateways' range and not 0, which
// holds 127.0.0.1.
func Pods(cluster string) netip.Prefix {
	x := 1 + digest.Number(cluster)%191 // 1..191
	if x >= 64 {
		x += 64 // 128..255
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{127, byte(x), 0, 0}), 16)
}

// Nodes is the range of a cluster's Node addresses, 10.X.0.0/20 of the upper half of 10/8's clusters.
func Nodes(cluster string) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 128 | clusterByte(cluster), 0, 0}), 20)
}

// clusterByte is even and at most 126, as GKE's ranges are.
func clusterByte(cluster string) byte { return byte(digest.Number(cluster) % 64 * 2) }

// Assign gives each name an address in the range, never the first or the last one of it. Names are served in order, so
// of two that want one address the first keeps it. There must be fewer names than addresses.
func Assign(names []string, in netip.Prefix) map[string]netip.Addr {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	size := uint32(1)<<(32-in.Bits()) - 2
	if uint32(len(names)) > size {
		names = names[:size]
	}
	taken := make(map[uint32]struct{}, len(names))
	addrs := make(map[string]netip.Addr, len(names))
	for _, name := range names {
		slot := digest.Number(in.String()+" "+name) % size
		for used(taken, slot) {
			slot = (slot + 1) % size
		}
		taken[slot] = struct{}{}
		addrs[name] = Nth(in, slot+1)
	}
	return addrs
}

func used(taken map[uint32]struct{}, slot uint32) bool {
	_, ok := taken[slot]
	return ok
}

// Nth is the address at an offset in an IPv4 range.
func Nth(in netip.Prefix, offset uint32) netip.Addr {
	b := in.Masked().Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+offset)
	return netip.AddrFrom4(b)
}
