package address

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestAssignIsDistinctAndStable(t *testing.T) {
	in := netip.MustParsePrefix("10.0.0.0/24")
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprint("n", i))
	}
	got := Assign(names, in)
	seen := map[netip.Addr]string{}
	for name, addr := range got {
		if other, dup := seen[addr]; dup {
			t.Errorf("%s and %s share %s", name, other, addr)
		}
		seen[addr] = name
		if !in.Contains(addr) || addr == netip.MustParseAddr("10.0.0.0") || addr == netip.MustParseAddr("10.0.0.255") {
			t.Errorf("%s has %s", name, addr)
		}
	}
	if len(got) != len(names) {
		t.Fatalf("%d of %d names have an address", len(got), len(names))
	}
	// A few names in a large range keep theirs whatever else comes.
	large := netip.MustParsePrefix("10.0.0.0/8")
	before := Assign(names[:10], large)
	for name, addr := range Assign(names, large) {
		if was, ok := before[name]; ok && was != addr {
			t.Errorf("%s moved from %s to %s", name, was, addr)
		}
	}
}

func TestAssignFillsItsRange(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	if got := Assign(names, netip.MustParsePrefix("10.0.0.0/29")); len(got) != 6 {
		t.Errorf("a /29 gave %d addresses, want 6", len(got))
	}
}

func TestPodsStayOutOfTheGatewaysRange(t *testing.T) {
	for i := range 1000 {
		p := Pods(fmt.Sprint("cluster-", i))
		if p.Overlaps(Gateways) || p.Contains(netip.MustParseAddr("127.0.0.1")) || !p.Addr().IsLoopback() {
			t.Errorf("cluster-%d has %s", i, p)
		}
	}
}

func TestRangesOfAClusterDoNotOverlap(t *testing.T) {
	for i := range 100 {
		c := fmt.Sprint("cluster-", i)
		all := []netip.Prefix{Services(c), ServiceImports(c), Pods(c), Nodes(c)}
		for j, a := range all {
			for _, b := range all[j+1:] {
				if a.Overlaps(b) {
					t.Errorf("%s and %s of %s overlap", a, b, c)
				}
			}
		}
	}
}
