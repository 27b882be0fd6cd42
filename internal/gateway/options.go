package gateway

import (
	"github.com/spillway-lb/spillway/internal/backend"
)

// Options are the facts that no object holds.
type Options struct {
	// Home is the region whose address comes first in a Gateway's status; the config cluster's (for classes of one
	// cluster: the cluster's own) if empty. A Home without a cluster is one more location of global load balancers.
	Home string
	// Traffic makes the Weights of a backend service; nil makes none.
	Traffic backend.Weigher
}
