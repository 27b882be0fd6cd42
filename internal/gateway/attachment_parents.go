package gateway

import (
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

// attach decides on one parent reference of a route to a Gateway in a namespace with these listeners.
func attach(v *recompute.View, listeners []Listener, namespace string, route *routeView, parent gatewayv1.ParentReference) acceptance {
	named, open, pending := false, false, false
	d := acceptance{reason: gatewayv1.RouteReasonAccepted}
	for i := range listeners {
		l := &listeners[i]
		if !names(parent, l) {
			continue
		}
		named = true
		if !slices.Contains(l.Kinds, route.kind) {
			continue
		}
		allowed, known := allowsNamespace(v, l, namespace, route.ref)
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

// names tells whether a parent reference to the Gateway is one to a listener.
func names(parent gatewayv1.ParentReference, l *Listener) bool {
	return (parent.SectionName == nil || string(*parent.SectionName) == l.Name) && (parent.Port == nil || *parent.Port == l.Port)
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
func allowsNamespace(v *recompute.View, l *Listener, gateway string, route store.Ref) (allowed, known bool) {
	switch l.From {
	case gatewayv1.NamespacesFromAll:
		return true, true
	case gatewayv1.NamespacesFromSame:
		return gateway == route.Namespace, true
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(l.Selector)
		if err != nil {
			return false, true
		}
		set, known := namespaceLabels(v, route)
		return known && selector.Matches(set), known
	}
	return false, true
}
