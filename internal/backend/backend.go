package backend

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Backend is what whoever refers to a backend needs to know of it.
type Backend struct {
	// Service is the backend service, "" if there is none.
	Service string
	// Protocol is what it speaks.
	Protocol lbv1.BackendProtocol
	// Aborts is why the backend service answers 500 by itself, "" if it sends requests on.
	Aborts string
	// Kept: it is not known at the moment, neither its protocol, and stays as an earlier process left it.
	Kept bool
	// Problem is why there is none, else nil.
	Problem *Problem
	// Notes are what of its settings is not obeyed, though it is served.
	Notes []Problem
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
	// Unknown: it cannot be known at the moment, because a cluster is away.
	Unknown
	// Unsupported: it is there, and nothing can be sent to it.
	Unsupported
	// UnsupportedProtocol: nobody knows how to speak to it.
	UnsupportedProtocol
	// Invalid: what is said of it cannot be obeyed; as a note, what was said before is.
	Invalid
	// Ignored: something that is said of it changes nothing.
	Ignored
)

// Of makes the backend of a key exist and reads it. One that is not known at the moment is what an earlier process had of it.
func Of(v *recompute.View, k Key) Backend {
	b, ok, held := recompute.Value[Backend](v, unitBackend, k.String())
	switch {
	case ok:
	case held && v.Keeps(unitBackend, k.String()):
		b.Service, b.Kept = k.ServiceName(v), true
	case held:
		b.Problem = k.unknown()
	default:
		b.Problem = k.notFound()
	}
	return b
}

// Look is why the backend of a key cannot be, as far as its own object says so, or nil. Unlike Of it makes nothing exist.
func Look(v *recompute.View, k Key) *Problem {
	if k.Imported {
		imported, ok, held := recompute.Value[*fleet.Import](v, fleet.UnitImport, fleet.ImportKey(k.Namespace, k.Name))
		if held {
			return k.unknown()
		}
		if ok {
			if at := slices.IndexFunc(imported.Ports, k.isPort); at >= 0 {
				return k.unspoken(imported.Ports[at].AppProtocol)
			}
		}
		return k.notFound()
	}
	service, ok := recompute.Get[*corev1.Service](v, k.Ref())
	switch {
	case !ok && fact.Pending(v, k.Scope.Cluster, kind.Service):
		return k.unknown()
	case !ok:
		return k.notFound()
	}
	if problem := k.unfit(service); problem != nil {
		return problem
	}
	for _, p := range service.Spec.Ports {
		if p.Port == k.Port {
			return k.unspoken(ptr.Deref(p.AppProtocol, ""))
		}
	}
	return k.notFound()
}

func (k Key) kind() string {
	if k.Imported {
		return "ServiceImport"
	}
	return "Service"
}

func (k Key) notFound() *Problem {
	return &Problem{NotFound, fmt.Sprintf("%s %q or its port %d not found", k.kind(), k.Namespace+"/"+k.Name, k.Port)}
}

func (k Key) unknown() *Problem {
	return &Problem{Unknown, fmt.Sprintf("%s %q is not known yet: a cluster is away", k.kind(), k.Namespace+"/"+k.Name)}
}

// unspoken is why nobody can speak to the port, or nil. For an Ingress its annotations say what it speaks.
func (k Key) unspoken(appProtocol string) *Problem {
	if k.Ingress || knownProtocol(appProtocol) {
		return nil
	}
	return &Problem{UnsupportedProtocol, fmt.Sprintf("%s %q: appProtocol %q of port %d is not supported", k.kind(), k.Namespace+"/"+k.Name, appProtocol, k.Port)}
}

// unfit is why no requests can be sent to a Service that is there, or nil.
func (k Key) unfit(s *corev1.Service) *Problem {
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return &Problem{Unsupported, fmt.Sprintf("Service %q is of type ExternalName, which is not supported: it has no endpoints", k.Namespace+"/"+k.Name)}
	}
	other := corev1.Protocol("")
	for _, p := range s.Spec.Ports {
		switch {
		case p.Port != k.Port:
		case p.Protocol == "" || p.Protocol == corev1.ProtocolTCP:
			return nil
		default:
			other = p.Protocol
		}
	}
	if other == "" {
		return nil
	}
	return &Problem{Unsupported, fmt.Sprintf("Service %q: port %d is %s, not TCP", k.Namespace+"/"+k.Name, k.Port, other)}
}

// failed is the result of a backend that cannot be: others learn why, and nothing is published.
func failed(p *Problem) recompute.Result {
	return recompute.Result{State: recompute.Present, Value: Backend{Problem: p}}
}
