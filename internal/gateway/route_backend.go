package gateway

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/refgrant"
)

// resolved is a backend reference that was followed.
type resolved struct {
	// service is the backend service, "" if there is none.
	service string
	// reason and message say why not.
	reason  gatewayv1.RouteConditionReason
	message string
}

// resolver follows the backend references of one route for one Gateway.
type resolver struct {
	view  *recompute.View
	gw    *Listeners
	route *routeView
	// services are the backend services that were found, targets the objects that policies name them by,
	// refProblems the references that lead nowhere.
	services    map[string]struct{}
	targets     map[policy.Target]struct{}
	refProblems []resolved
	// followed: references of a rule were. looking: they are only looked at, and what they lead to need not exist.
	followed, looking bool
}

// resolve returns the backend service of a reference, or the one that answers 500.
func (r *resolver) resolve(ref gatewayv1.BackendObjectReference) (service string, ok bool) {
	out := r.follow(ref)
	if out.service == "" {
		r.refProblems = append(r.refProblems, out)
		return "", false
	}
	r.services[out.service] = struct{}{}
	return out.service, true
}

// unresolved sums up references that lead nowhere. The message has each once, in the order of the route; the reason is
// the one that its owner has to see to first: a kind that no change elsewhere makes good, a grant, an object.
func unresolved(problems []resolved) (reason, message string) {
	rank := []gatewayv1.RouteConditionReason{
		gatewayv1.RouteReasonInvalidKind, gatewayv1.RouteReasonRefNotPermitted, gatewayv1.RouteReasonUnsupportedValue,
		gatewayv1.RouteReasonUnsupportedProtocol, gatewayv1.RouteReasonBackendNotFound, gatewayv1.RouteReasonPending,
	}
	first := len(rank) - 1
	var texts []string
	for _, p := range problems {
		first = min(first, max(slices.Index(rank, p.reason), 0))
		if !slices.Contains(texts, p.message) {
			texts = append(texts, p.message)
		}
	}
	return string(rank[first]), strings.Join(texts, "; ")
}

func (r *resolver) follow(ref gatewayv1.BackendObjectReference) resolved {
	key := backend.Key{Scope: r.gw.Scope, Namespace: r.route.ref.Namespace, Name: string(ref.Name), GRPC: r.route.grpc()}
	group, of := "", "Service"
	if ref.Group != nil {
		group = string(*ref.Group)
	}
	if ref.Kind != nil {
		of = string(*ref.Kind)
	}
	switch {
	case group == "" && of == "Service":
	case (group == kind.GroupNetGKE || group == kind.GroupMultiCluster) && of == "ServiceImport":
		key.Imported = true
	default:
		return resolved{
			reason:  gatewayv1.RouteReasonInvalidKind,
			message: fmt.Sprintf("backend %s: kind %q of group %q is not supported, only Service and ServiceImport are", ref.Name, of, group),
		}
	}
	if ref.Namespace != nil {
		key.Namespace = string(*ref.Namespace)
	}
	from := refgrant.From{Group: kind.GroupGateway, Kind: r.route.kind, Namespace: r.route.ref.Namespace}
	to := refgrant.To{Group: group, Kind: of, Namespace: key.Namespace, Name: key.Name}
	switch refgrant.Of(r.view, r.route.ref.Cluster, from, to) {
	case refgrant.Pending:
		return resolved{
			reason:  gatewayv1.RouteReasonPending,
			message: fmt.Sprintf("%s %s/%s is in another namespace, whose ReferenceGrants are not known yet", of, key.Namespace, key.Name),
		}
	case refgrant.Forbidden:
		return resolved{
			reason:  gatewayv1.RouteReasonRefNotPermitted,
			message: fmt.Sprintf("%s %s/%s is in another namespace and no ReferenceGrant there allows the reference", of, key.Namespace, key.Name),
		}
	}
	if ref.Port == nil {
		return resolved{
			reason:  gatewayv1.RouteReasonBackendNotFound,
			message: fmt.Sprintf("%s %s/%s: the reference has no port", of, key.Namespace, key.Name),
		}
	}
	key.Port = *ref.Port
	return r.backend(key)
}

// backend makes the backend service of a key exist, unless references are only looked at.
func (r *resolver) backend(key backend.Key) resolved {
	var b backend.Backend
	if r.looking {
		b = backend.Backend{Service: key.ServiceName(r.view), Problem: backend.Look(r.view, key)}
	} else {
		b = backend.Of(r.view, key)
	}
	if b.Problem != nil {
		return resolved{reason: reasonOf(b.Problem.Reason), message: "Error GWCER102: " + b.Problem.Message}
	}
	r.targets[key.Target()] = struct{}{}
	return resolved{service: b.Service}
}

// reasonOf is the Gateway API's word for a problem of a backend.
func reasonOf(r backend.Reason) gatewayv1.RouteConditionReason {
	switch r {
	case backend.Unsupported:
		return gatewayv1.RouteReasonUnsupportedValue
	case backend.UnsupportedProtocol:
		return gatewayv1.RouteReasonUnsupportedProtocol
	case backend.Unknown:
		return gatewayv1.RouteReasonPending
	}
	return gatewayv1.RouteReasonBackendNotFound
}

// serve500 is the backend service of references that lead nowhere.
func (r *resolver) serve500() string {
	if r.looking {
		return ""
	}
	return backend.Default(r.view, r.gw.Scope, r.gw.Namespace, 500)
}
