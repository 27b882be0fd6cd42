package gateway

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// place is where a route's rules go: a host of a listener.
type place struct {
	listener *Listener
	host     string
}

// acceptance is whether a route may attach by one of its parent references.
type acceptance struct {
	reason  gatewayv1.RouteConditionReason
	message string
	places  []place
	// counted are the listeners that the route is attached to. Those that are not accepted are among them: they count their
	// routes, too.
	counted []*Listener
}

func (d acceptance) accepted() bool { return d.reason == gatewayv1.RouteReasonAccepted }

// attach decides on one parent reference of a route to a Gateway, or to a ListenerSet of it, with these listeners.
func attach(v *recompute.View, gw *Listeners, listeners []Listener, route *routeView, parent gatewayv1.ParentReference) acceptance {
	if problem := gw.Strict.parent(parent); problem != nil {
		return acceptance{reason: problem.reason, message: problem.message}
	}
	set, _ := parentListenerSet(route.ref, parent)
	there, named, open, pending := false, false, false, false
	d := acceptance{reason: gatewayv1.RouteReasonAccepted}
	for i := range listeners {
		l := &listeners[i]
		there = there || l.Set == set
		if !names(set, parent, l) {
			continue
		}
		named = true
		if !slices.Contains(l.Kinds, route.kind) {
			continue
		}
		allowed, known := allowsNamespace(v, l, route.ref)
		pending = pending || !known
		if !allowed {
			continue
		}
		open = open || l.Problem == nil
		hosts := l.hosts(route.hostnames)
		if len(hosts) > 0 {
			d.counted = append(d.counted, l)
		}
		for _, host := range hosts {
			if l.Problem == nil {
				d.places = append(d.places, place{l, host})
			}
		}
	}
	switch {
	case !there && set != (store.Ref{}):
		return acceptance{
			reason:  gatewayv1.RouteReasonNotAllowedByListeners,
			message: fmt.Sprintf("ListenerSet %q is not attached to its Gateway; its own status says why", set.Namespace+"/"+set.Name),
		}
	case !named:
		return acceptance{reason: gatewayv1.RouteReasonNoMatchingParent, message: "no listener has the parentRef's sectionName and port"}
	case !open && pending:
		return acceptance{
			reason:  gatewayv1.RouteReasonPending,
			message: "the labels of namespace " + route.ref.Namespace + ", by which listeners choose, are not known yet",
		}
	case !open:
		return acceptance{
			reason:  gatewayv1.RouteReasonNotAllowedByListeners,
			message: "no listener takes " + route.kind + "s of namespace " + route.ref.Namespace,
		}
	case len(d.places) == 0:
		return acceptance{
			reason:  gatewayv1.RouteReasonNoMatchingListenerHostname,
			message: "no hostname of the route is one of a listener's",
		}
	}
	return d
}

// names tells whether a parent reference, which is to the ListenerSet set or, with the zero Ref, to the Gateway itself, is one to
// a listener.
func names(set store.Ref, parent gatewayv1.ParentReference, l *Listener) bool {
	return l.Set == set && (parent.SectionName == nil || string(*parent.SectionName) == l.Name) && (parent.Port == nil || *parent.Port == l.Port)
}

// hosts are those that a listener and a route have in common.
func (l *Listener) hosts(route []gatewayv1.Hostname) []string {
	hosts := intersect(l.Host, route)
	if l.Within == "" {
		return hosts
	}
	narrow := make([]gatewayv1.Hostname, len(hosts))
	for i, host := range hosts {
		narrow[i] = gatewayv1.Hostname(host)
	}
	if slices.Contains(hosts, anyHost) {
		narrow = nil
	}
	return intersect(l.Within, narrow)
}

// allowsNamespace tells whether a listener takes routes of a namespace; known is false if the labels that it selects by are not.
func allowsNamespace(v *recompute.View, l *Listener, route store.Ref) (allowed, known bool) {
	return admits(v, l.From, l.Selector, l.Namespace, route)
}

// admits tells whether an object of a namespace takes other, of another one; known is false if the labels of that are not.
func admits(
	v *recompute.View, from gatewayv1.FromNamespaces, selector *metav1.LabelSelector, namespace string, other store.Ref,
) (allowed, known bool) {
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true, true
	case gatewayv1.NamespacesFromSame:
		return namespace == other.Namespace, true
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil {
			return false, true
		}
		set, known := namespaceLabels(v, other)
		return known && selector.Matches(set), known
	}
	return false, true
}
