package view

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/store"
)

// shownListener is a listener, a Gateway's own or a ListenerSet's, and what its object's status says of it.
type shownListener struct {
	gatewayv1.Listener
	// name is the listener's, behind that of its ListenerSet if it stands in one: NAMESPACE/LISTENERSET/NAME.
	name       string
	conditions []metav1.Condition
	attached   int32
	// generation is that of the object.
	generation int64
}

// shownListeners are the listeners of a Gateway, those of ListenerSets that it has taken behind its own.
func shownListeners(snapshot *store.Snapshot, ref store.Ref, gw *gatewayv1.Gateway, status *gatewayv1.GatewayStatus) []shownListener {
	var all []shownListener
	for _, l := range gw.Spec.Listeners {
		shown := shownListener{Listener: l, name: string(l.Name), generation: gw.Generation}
		if status != nil {
			for i := range status.Listeners {
				if s := &status.Listeners[i]; s.Name == l.Name {
					shown.conditions, shown.attached = s.Conditions, s.AttachedRoutes
				}
			}
		}
		all = append(all, shown)
	}
	for _, set := range snapshot.Index(gateway.IndexSets, ref.String()) {
		all = append(all, listenersOfSet(snapshot.Get(set))...)
	}
	return all
}

// listenersOfSet are those that a ListenerSet's status tells of: none of one that its Gateway does not take.
func listenersOfSet(e *store.Entry) []shownListener {
	if e == nil || e.Written == nil {
		return nil
	}
	set, isSet := e.Object.(*gatewayv1.ListenerSet)
	status, told := e.Written.Status.(*gatewayv1.ListenerSetStatus)
	if !isSet || !told {
		return nil
	}
	var all []shownListener
	for _, l := range set.Spec.Listeners {
		for i := range status.Listeners {
			if s := &status.Listeners[i]; s.Name == l.Name {
				all = append(all, shownListener{
					Listener: gatewayv1.Listener(l), name: e.Ref.Namespace + "/" + e.Ref.Name + "/" + string(l.Name),
					conditions: s.Conditions, attached: s.AttachedRoutes, generation: set.Generation,
				})
			}
		}
	}
	return all
}

// programmed tells whether it is Programmed as this generation has it.
func (l *shownListener) programmed() bool {
	c := meta.FindStatusCondition(l.conditions, string(gatewayv1.ListenerConditionProgrammed))
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration == l.generation
}

// failed tells whether Programmed is False: it does not just wait for proxies.
func (l *shownListener) failed() bool {
	return meta.IsStatusConditionFalse(l.conditions, string(gatewayv1.ListenerConditionProgrammed))
}
