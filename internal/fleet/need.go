package fleet

import (
	"slices"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// unitNeed says whether a member has a use for the imported EndpointSlices of a namespace. Its key is of needKey, its value a bool.
const unitNeed = "fleet.need"

func needKey(cluster, namespace string) string { return unitkey.Join(cluster, namespace) }

// translateNeed is a unit of its own, so that Pods that come and go wake no slice.
func translateNeed(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	needed := hasNamespace(v, parts[0], parts[1])
	if !needed && fact.Pending(v, parts[0], kind.Namespace, kind.Pod, kind.Service) {
		v.Hold() // what is missing yet is not gone
	}
	return recompute.Result{State: recompute.Present, Value: needed}
}

// hasNamespace says whether somebody in the cluster can reach Services of the namespace: without the namespace there is no Service of an
// import that leads to the slices. A directory may leave Namespaces out, in whole or those in which it has other objects.
func hasNamespace(v *recompute.View, cluster, namespace string) bool {
	if v.Get(store.Ref{Cluster: cluster, Kind: kind.Namespace, Name: namespace}) != nil {
		return true
	}
	if len(v.List(kind.Namespace, cluster, "")) == 0 || len(v.List(kind.Pod, cluster, namespace)) > 0 {
		return true
	}
	return slices.ContainsFunc(v.List(kind.Service, cluster, namespace), func(ref store.Ref) bool {
		o := v.Get(ref)
		return o != nil && o.GetLabels()[labelManagedBy] != managedBy
	})
}
