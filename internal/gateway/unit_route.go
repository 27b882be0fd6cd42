package gateway

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitRoute = "gateway.route"

// translateRoute writes a route's status and events. It is the root that makes the route's attachments exist.
func translateRoute(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	route, ok := readRoute(v, ref)
	if !ok {
		return recompute.Result{}
	}
	s := routeStatus{view: v, route: route, next: map[store.Ref][]parentConditions{}, controllers: map[store.Ref]gatewayv1.GatewayController{}}
	s.readParents()
	return recompute.Result{State: recompute.Present, Writes: s.writes()}
}

// routeStatus gathers what the Gateways say of a route.
type routeStatus struct {
	view  *recompute.View
	route *routeView
	// next are the conditions that are left to hand out, controllers who speaks, by Gateway.
	next        map[store.Ref][]parentConditions
	controllers map[store.Ref]gatewayv1.GatewayController
	parents     []gatewayv1.RouteParentStatus
	missing     []store.Ref
	multi       bool
}

func (s *routeStatus) readParents() {
	for _, parent := range s.route.parents {
		gateway, ok := gatewayOf(s.view, s.route.ref, parent)
		if !ok {
			if set, ok := parentListenerSet(s.route.ref, parent); ok {
				s.missing = append(s.missing, set)
			}
			continue
		}
		if _, read := s.next[gateway]; !read {
			s.read(gateway)
		}
		if left := s.next[gateway]; len(left) > 0 {
			s.parents = append(s.parents, gatewayv1.RouteParentStatus{
				ParentRef: left[0].Ref, ControllerName: s.controllers[gateway], Conditions: slices.Concat(left[0].Conditions, s.health()),
			})
			s.next[gateway] = left[1:]
		}
	}
}

func (s *routeStatus) read(gateway store.Ref) {
	// A status has the words of all of them, or waits.
	a, ok := recompute.Known[*attachment](s.view, unitAttachment, attachmentKey(s.route.ref, gateway))
	if !ok {
		s.next[gateway] = nil
		if !finalizer.There(s.view, gateway) {
			s.missing = append(s.missing, gateway)
		}
		return
	}
	s.next[gateway], s.controllers[gateway] = a.Parents, a.Controller
	s.multi = s.multi || a.Multi
}

func (s *routeStatus) writes() []recompute.Write {
	var out []recompute.Write
	if len(s.parents) > 0 {
		out = append(out, recompute.Write{Ref: s.route.ref, Part: recompute.PartStatus, Value: s.status()})
		out = append(out, s.event("ADD", "Normal", s.route.name(), ""))
		out = append(out, s.syncEvents()...)
	}
	for _, parent := range s.missing {
		text := fmt.Sprintf("Error GWCER102: %s %q not found", kind.Bare(parent.Kind), parent.Namespace+"/"+parent.Name)
		out = append(out, s.event("SYNC", "Warning", text, "missing/"+parent.String()))
	}
	return out
}

func (s *routeStatus) status() any {
	status := gatewayv1.RouteStatus{Parents: s.parents}
	if s.route.grpc() {
		return &gatewayv1.GRPCRouteStatus{RouteStatus: status}
	}
	return &gatewayv1.HTTPRouteStatus{RouteStatus: status}
}

// syncEvents tells of each parent whether the route is bound, and of references that lead nowhere.
func (s *routeStatus) syncEvents() []recompute.Write {
	var out []recompute.Write
	for i := range s.parents {
		p := &s.parents[i]
		key := fmt.Sprint("parent/", i)
		switch c := find(p.Conditions, string(gatewayv1.RouteConditionAccepted)); c.Status {
		case metav1.ConditionTrue:
		case metav1.ConditionUnknown: // there is no outcome yet
			continue
		default:
			text := fmt.Sprintf("failed to translate %s %q: %s", s.route.kind, s.route.name(), c.Message)
			out = append(out, s.event("SYNC", "Warning", text, key))
			continue
		}
		switch c := find(p.Conditions, conditionReconciled); c.Status {
		case metav1.ConditionTrue:
		case metav1.ConditionFalse:
			text := fmt.Sprintf("failed to reconcile %s %q: %s", s.route.kind, s.route.name(), c.Message)
			out = append(out, s.event("SYNC", "Warning", text, key))
			continue
		default: // there is no outcome yet
			continue
		}
		text := fmt.Sprintf("Bind of %s %q to ParentRef %s was a success", s.route.kind, s.route.name(), parentText(p.ParentRef))
		out = append(out, s.event("SYNC", "Normal", text, key))
		if c := find(p.Conditions, string(gatewayv1.RouteConditionResolvedRefs)); c.Status != metav1.ConditionTrue {
			out = append(out, s.event("SYNC", "Warning", c.Message, key+"/refs"))
		}
	}
	return out
}

func (s *routeStatus) event(reason, kind, message, key string) recompute.Write {
	return eventWrite(s.route.ref, key, recompute.Event{
		Type: kind, Reason: reason, Message: message, Source: EventSource(s.multi), Cause: fmt.Sprint(s.route.generation),
	})
}

// find returns the condition of that type, or an empty one.
func find(conditions []metav1.Condition, kind string) metav1.Condition {
	for _, c := range conditions {
		if c.Type == kind {
			return c
		}
	}
	return metav1.Condition{}
}

// parentText is a parent reference as GKE's events print it.
func parentText(p gatewayv1.ParentReference) string {
	var b strings.Builder
	field := func(name, value string) {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + ": " + value)
	}
	field("Group", quote(p.Group))
	field("Kind", quote(p.Kind))
	field("Namespace", quote(p.Namespace))
	field("Name", fmt.Sprintf("%q", p.Name))
	field("SectionName", quote(p.SectionName))
	port := "nil"
	if p.Port != nil {
		port = fmt.Sprint(*p.Port)
	}
	field("Port", port)
	return "{" + b.String() + "}"
}

func quote[T ~string](s *T) string {
	if s == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", string(*s))
}
