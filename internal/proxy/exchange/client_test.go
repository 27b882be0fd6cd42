package exchange

import (
	"net/netip"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// TestTargetProxyFollowsRootAndName: what is kept of the last look-up is asked for again only of the same root and name.
func TestTargetProxyFollowsRootAndName(t *testing.T) {
	add := func(r *config.Root, list ...*lbv1.Resource) *config.Root {
		next, err := r.Apply(&lbv1.Transaction{Upserts: list})
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	proxy := func(name, via string) *lbv1.Resource {
		return &lbv1.Resource{Name: name, Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "map", Via: via}}}
	}
	one := add(config.New(config.Location{}),
		&lbv1.Resource{Name: "map", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "default"}}},
		&lbv1.Resource{Name: "default", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
		proxy("a", "a1"), proxy("b", "b1"))
	two := add(one, proxy("a", "a2"))

	f := &Frontend{}
	if f.TargetProxy(one) != nil {
		t.Error("a frontend without a name has a target proxy")
	}
	for _, c := range []struct {
		name string
		root *config.Root
		want string
	}{{"a", one, "a1"}, {"a", two, "a2"}, {"a", one, "a1"}, {"b", one, "b1"}, {"b", two, "b1"}, {"a", two, "a2"}} {
		if f.Target() != c.name {
			f.SetTarget(c.name)
		}
		for range 2 {
			if got := f.TargetProxy(c.root); got == nil || got.Spec.GetVia() != c.want {
				t.Errorf("%s: got %v, want %s", c.name, got, c.want)
			}
		}
	}
	f.SetTarget("none")
	if f.TargetProxy(two) != nil {
		t.Error("a name that does not exist has a target proxy")
	}
}

func TestForwardedHoldsBothAddresses(t *testing.T) {
	for _, c := range [][3]string{
		{"192.0.2.1:80", "198.51.100.200:443", "192.0.2.1,198.51.100.200"},
		{"[2001:db8::1]:80", "[2001:db8::2]:443", "2001:db8::1,2001:db8::2"},
		{"[::ffff:192.0.2.1]:80", "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:443", "192.0.2.1,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
	} {
		got := NewClient(&Frontend{}, netip.MustParseAddrPort(c[0]), netip.MustParseAddrPort(c[1]), "http")
		if string(got.Forwarded) != c[2] {
			t.Errorf("%s, want %s", got.Forwarded, c[2])
		}
	}
}
