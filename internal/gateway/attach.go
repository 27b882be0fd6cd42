package gateway

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// place is where a route's rules go: a host of a listener.
type place struct {
	listener *Listener
	host     string
}

// verdict is whether a route may attach by one of its parent references.
type verdict struct {
	reason  gatewayv1.RouteConditionReason
	message string
	places  []place
}

func (d verdict) accepted() bool { return d.reason == gatewayv1.RouteReasonAccepted }

// attach decides on one parent reference of a route to a Gateway.
func attach(v *recompute.View, gw *Listeners, route *routeView, parent gatewayv1.ParentReference) verdict {
	named := namedListeners(gw, parent)
	if len(named) == 0 {
		return verdict{reason: gatewayv1.RouteReasonNoMatchingParent, message: "no listener has the parentRef's sectionName and port"}
	}
	var allowed []*Listener
	for _, l := range named {
		if l.Problem == nil && slices.Contains(l.Kinds, route.kind) && allowsNamespace(v, l, gw.Namespace, route.ref) {
			allowed = append(allowed, l)
		}
	}
	if len(allowed) == 0 {
		return verdict{
			reason:  gatewayv1.RouteReasonNotAllowedByListeners,
			message: "no listener takes " + route.kind + "s of namespace " + route.ref.Namespace,
		}
	}
	var places []place
	for _, l := range allowed {
		for _, host := range intersect(l.Host, route.hostnames) {
			places = append(places, place{l, host})
		}
	}
	if len(places) == 0 {
		return verdict{
			reason:  gatewayv1.RouteReasonNoMatchingListenerHostname,
			message: "no hostname of the route is one of a listener's",
		}
	}
	return verdict{reason: gatewayv1.RouteReasonAccepted, places: places}
}

func namedListeners(gw *Listeners, parent gatewayv1.ParentReference) []*Listener {
	var named []*Listener
	for i := range gw.Listeners {
		l := &gw.Listeners[i]
		if parent.SectionName != nil && string(*parent.SectionName) != l.Name || parent.Port != nil && *parent.Port != l.Port {
			continue
		}
		named = append(named, l)
	}
	return named
}

func allowsNamespace(v *recompute.View, l *Listener, gateway string, route store.Ref) bool {
	switch l.From {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return gateway == route.Namespace
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(l.Selector)
		return err == nil && selector.Matches(namespaceLabels(v, route))
	}
	return false
}

// namespaceLabels are those of the route's namespace. Its name is always among them, as an API server sees to.
func namespaceLabels(v *recompute.View, route store.Ref) labels.Set {
	set := labels.Set{}
	ref := store.Ref{Cluster: route.Cluster, Kind: kindNamespace, Name: route.Namespace}
	if namespace, ok := recompute.Get[*corev1.Namespace](v, ref); ok {
		for key, value := range namespace.Labels {
			set[key] = value
		}
	}
	set[corev1.LabelMetadataName] = route.Namespace
	return set
}
