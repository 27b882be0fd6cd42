package gateway

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitListenerSet = "gateway.listenerset"

// ListenerSets are not supported, as on GKE. What names one is told so, instead of being left without an answer.
const listenerSetText = "ListenerSets are not supported: put the listeners into Gateway %q"

// translateListenerSet writes the status of a ListenerSet whose Gateway is ours.
func translateListenerSet(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	set, gateway, ok := ourListenerSet(v, ref)
	if !ok {
		return recompute.Result{}
	}
	text := fmt.Sprintf(listenerSetText, gateway.Namespace+"/"+gateway.Name)
	refuse := func(kind gatewayv1.ListenerSetConditionType) metav1.Condition {
		return condition(set.Generation, string(kind), false, string(gatewayv1.ListenerSetReasonNotAllowed), text)
	}
	status := &gatewayv1.ListenerSetStatus{Conditions: []metav1.Condition{
		refuse(gatewayv1.ListenerSetConditionAccepted), refuse(gatewayv1.ListenerSetConditionProgrammed),
	}}
	return recompute.Result{State: recompute.Present, Writes: []recompute.Write{{Ref: ref, Part: recompute.PartStatus, Value: status}}}
}

// ourListenerSet reads a ListenerSet and the Gateway that it belongs to; ok is false if that is not ours.
func ourListenerSet(v *recompute.View, ref store.Ref) (set *gatewayv1.ListenerSet, gateway store.Ref, ok bool) {
	set, ok = recompute.Get[*gatewayv1.ListenerSet](v, ref)
	if !ok {
		return nil, store.Ref{}, false
	}
	p := set.Spec.ParentRef
	gateway, ok = parentGateway(ref, gatewayv1.ParentReference{Group: p.Group, Kind: p.Kind, Name: p.Name, Namespace: p.Namespace})
	if !ok {
		return nil, store.Ref{}, false
	}
	_, ok, held := ListenersOf(v, gateway)
	return set, gateway, ok || held
}

// parentListenerSet is the ListenerSet that a parent reference names; ok is false for other kinds of parents.
func parentListenerSet(route store.Ref, parent gatewayv1.ParentReference) (set store.Ref, ok bool) {
	if parent.Group != nil && *parent.Group != kind.GroupGateway || parent.Kind == nil || *parent.Kind != "ListenerSet" {
		return store.Ref{}, false
	}
	set = store.Ref{Cluster: route.Cluster, Kind: kind.ListenerSet, Namespace: route.Namespace, Name: string(parent.Name)}
	if parent.Namespace != nil {
		set.Namespace = string(*parent.Namespace)
	}
	return set, true
}

// refuseListenerSet answers a parent reference to a ListenerSet of a Gateway of ours.
func (s *routeStatus) refuseListenerSet(parent gatewayv1.ParentReference, ref store.Ref) {
	_, gateway, ok := ourListenerSet(s.view, ref)
	if !ok {
		if s.view.Get(ref) == nil {
			s.missing = append(s.missing, ref)
		}
		return
	}
	text := fmt.Sprintf(listenerSetText, gateway.Namespace+"/"+gateway.Name)
	generation := s.route.generation
	s.parents = append(s.parents, gatewayv1.RouteParentStatus{
		ParentRef: parent, ControllerName: ControllerName, Conditions: []metav1.Condition{
			condition(generation, string(gatewayv1.RouteConditionAccepted), false, string(gatewayv1.RouteReasonNotAllowedByListeners), text),
			condition(generation, string(gatewayv1.RouteConditionResolvedRefs), true, string(gatewayv1.RouteReasonResolvedRefs), ""),
			condition(generation, conditionReconciled, false, reasonNotReconciled, text),
		},
	})
}
