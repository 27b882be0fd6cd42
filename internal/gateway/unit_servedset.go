package gateway

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitServedSet is the unit kind of a ListenerSet as it is served, as unitServed is that of a Gateway. Its key is the
// ListenerSet's Ref, its value a *servedSet.
const unitServedSet = "gateway.servedset"

// tallyServedSets has the ListenerSets of a Gateway that are served. It outlives a restart.
const tallyServedSets = "gateway.servedsets"

// servedSet is a ListenerSet as it is served. Whether its Gateway takes it is another matter.
type servedSet struct {
	served
	// Today are its listeners as they are written, with what is wrong with them by themselves.
	Today         []gatewayv1.Listener
	TodayProblems []*ListenerProblem
	// Age orders the ListenerSets of a Gateway: the smallest string goes first.
	Age string
}

func servedSetOf(v *recompute.View, set store.Ref) (*servedSet, bool) {
	return recompute.Known[*servedSet](v, unitServedSet, set.String())
}

// wantedSet reads a ListenerSet that is to be served; one that is being deleted is not there. For one that may be on its way the
// reader holds.
func wantedSet(v *recompute.View, ref store.Ref) (*gatewayv1.ListenerSet, bool) {
	set, ok := recompute.Get[*gatewayv1.ListenerSet](v, ref)
	if !ok && fact.Pending(v, ref.Cluster, kind.ListenerSet) {
		v.Hold()
	}
	if !ok || finalizer.Deleted(set) {
		return nil, false
	}
	return set, true
}

func translateServedSet(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	set, ok := recompute.Get[*gatewayv1.ListenerSet](v, ref)
	if last, unseen := v.Unseen().(*gatewayv1.ListenerSet); !ok && unseen && fact.Pending(v, ref.Cluster, kind.ListenerSet) {
		result := servedSetAs(ref, last, last)
		result.Good = last
		return result
	}
	if !ok || finalizer.Deleted(set) {
		return recompute.Result{}
	}
	last, _ := v.Good().(*gatewayv1.ListenerSet)
	return servedSetAs(ref, set, last)
}

// servedSetAs is what is served of a ListenerSet whose version of last, if there is one, was served.
func servedSetAs(ref store.Ref, set, last *gatewayv1.ListenerSet) recompute.Result {
	var good *gatewayv1.Gateway
	if last != nil && sameParent(ref, set, last) {
		good = asGateway(last)
	}
	today := asGateway(set)
	at, good := serve(today, good, strictness{})
	value := &servedSet{
		served: *at, Today: today.Spec.Listeners, TodayProblems: judgeListeners(today.Spec.Listeners), Age: age(set.CreationTimestamp.Time, ref.Namespace+"/"+ref.Name),
	}
	result := recompute.Result{State: recompute.Present, Value: value}
	if good != nil {
		result.Good = asSet(set, good)
	}
	if gateway, ok := parentOfSet(ref, set); ok {
		result.Tallies = []recompute.Tally{{Index: tallyServedSets, Key: gateway.String(), Member: ref.String()}}
	}
	return result
}

// sameParent tells whether two versions of a ListenerSet belong to one Gateway.
func sameParent(ref store.Ref, a, b *gatewayv1.ListenerSet) bool {
	ofA, okA := parentOfSet(ref, a)
	ofB, okB := parentOfSet(ref, b)
	return okA && okB && ofA == ofB
}

// asGateway is a Gateway that has nothing but the listeners of a ListenerSet: what of it is served is decided in the same way.
func asGateway(set *gatewayv1.ListenerSet) *gatewayv1.Gateway {
	gw := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{UID: set.UID, Annotations: set.Annotations}}
	for _, l := range set.Spec.Listeners {
		gw.Spec.Listeners = append(gw.Spec.Listeners, gatewayv1.Listener(l))
	}
	return gw
}

// asSet is a version of the ListenerSet with the listeners of a Gateway by asGateway, to be remembered.
func asSet(set *gatewayv1.ListenerSet, gw *gatewayv1.Gateway) *gatewayv1.ListenerSet {
	out := &gatewayv1.ListenerSet{
		TypeMeta: metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "ListenerSet"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: set.Namespace, Name: set.Name, UID: set.UID, CreationTimestamp: set.CreationTimestamp, Annotations: gw.Annotations,
		},
		Spec: gatewayv1.ListenerSetSpec{ParentRef: set.Spec.ParentRef},
	}
	for _, l := range gw.Spec.Listeners {
		out.Spec.Listeners = append(out.Spec.Listeners, gatewayv1.ListenerEntry(l))
	}
	return out
}

// setOfID is the ListenerSet and the name of a listener's ID; the zero Ref for one of the Gateway's own.
func setOfID(cluster, id string) (set store.Ref, name string) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return store.Ref{}, id
	}
	return store.Ref{Cluster: cluster, Kind: kind.ListenerSet, Namespace: parts[0], Name: parts[1]}, parts[2]
}
