package gateway

import (
	"github.com/spillway-lb/spillway/internal/backend"
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
	// Programmed tells whether data planes serve what is published of a Gateway; nil means they do. It may read facts
	// through the view and must be pure.
	Programmed func(v *recompute.View, gateway store.Ref) bool
	// Traffic makes the Weights of a backend service; nil makes none.
	Traffic backend.Weigher
}

func (o Options) programmed(v *recompute.View, gateway store.Ref) bool {
	return o.Programmed == nil || o.Programmed(v, gateway)
}
