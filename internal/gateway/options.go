package gateway

import (
	"net/netip"

	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Options are the facts that no object holds.
type Options struct {
	// Home is the region whose address comes first in a Gateway's status; the config cluster's (for classes of one
	// cluster: the cluster's own) if empty. A Home without a cluster is one more location of global load balancers.
	Home string
	// NamedAddresses are the addresses behind names in spec.addresses. A name that is not in it gets an address like a
	// Gateway without addresses does, by the hash of the name.
	NamedAddresses map[string]string
	// Usable tells whether the data planes can have an address that a Gateway asks for; nil means any.
	Usable func(netip.Addr) bool
	// Programmed tells whether data planes serve what is published of a Gateway; nil means they do. It may read facts
	// through the view and must be pure.
	Programmed func(v *recompute.View, gateway store.Ref) bool
	// Traffic makes the Weights of a backend service; nil makes none.
	Traffic Weigher
}

func (o Options) programmed(v *recompute.View, gateway store.Ref) bool {
	return o.Programmed == nil || o.Programmed(v, gateway)
}

func (o Options) usable(addr netip.Addr) bool { return o.Usable == nil || o.Usable(addr) }

// home is the location whose address a Gateway shows first.
func (o Options) home(s Scope, f *fleet.Fleet) string {
	if s.Region != "" {
		return s.Region
	}
	if o.Home != "" {
		return o.Home
	}
	m, _ := f.Member(s.Cluster)
	return m.Region
}

// locations are the regions that serve a scope, home first.
func (o Options) locations(s Scope, f *fleet.Fleet) []string {
	home := o.home(s, f)
	locations := []string{home}
	for _, region := range s.locations(f) {
		if region != home {
			locations = append(locations, region)
		}
	}
	return locations
}
