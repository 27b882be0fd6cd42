package backend

import (
	"fmt"

	"github.com/spillway-lb/spillway/internal/recompute"
)

// Backend is what whoever refers to a backend needs to know of it.
type Backend struct {
	// Service is the backend service, "" if there is none.
	Service string
	// Problem is why there is none, else nil.
	Problem *Problem
}

// Problem is why a backend cannot be.
type Problem struct {
	Reason  Reason
	Message string
}

// Reason sorts problems, so that each kind of owner finds its own word for them.
type Reason uint8

const (
	// NotFound: the object or its port is not there.
	NotFound Reason = iota
)

// Of makes the backend of a key exist and reads it; held tells that the reader must hold, because it is not known now.
func Of(v *recompute.View, k Key) (b Backend, held bool) {
	b, ok, held := recompute.Value[Backend](v, unitBackend, k.String())
	if !ok && !held {
		b.Problem = k.notFound()
	}
	return b, held
}

func (k Key) notFound() *Problem {
	kind := "Service"
	if k.Imported {
		kind = "ServiceImport"
	}
	return &Problem{NotFound, fmt.Sprintf("%s %q or its port %d not found", kind, k.Namespace+"/"+k.Name, k.Port)}
}

// failed is the result of a backend that cannot be: others learn why, and nothing is published.
func failed(p *Problem) recompute.Result {
	return recompute.Result{State: recompute.Present, Value: Backend{Problem: p}}
}
