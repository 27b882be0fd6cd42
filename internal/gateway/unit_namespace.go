package gateway

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// unitNamespace is the labels of a namespace, by which listeners choose routes. Its key is a cluster and a namespace, its value a
// namespaceView. After a restart it has what it had until Namespaces are listed; one that was here and went has none.
const unitNamespace = "gateway.namespace"

type namespaceView struct {
	Labels labels.Set
	// Pending: they are not known yet.
	Pending bool
}

// namespaceLabels are those of the route's namespace; known is false as long as they are not.
func namespaceLabels(v *recompute.View, route store.Ref) (set labels.Set, known bool) {
	n, ok := recompute.Known[namespaceView](v, unitNamespace, unitkey.Join(route.Cluster, route.Namespace))
	return n.Labels, ok && !n.Pending
}

func translateNamespace(v *recompute.View, key string) recompute.Result {
	part, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{}
	}
	cluster, name := part[0], part[1]
	namespace, ok := recompute.Get[*corev1.Namespace](v, store.Ref{Cluster: cluster, Kind: kind.Namespace, Name: name})
	if !ok && fact.Pending(v, cluster, kind.Namespace) {
		if namespace, ok = v.Unseen().(*corev1.Namespace); !ok {
			return recompute.Result{State: recompute.Present, Value: namespaceView{Pending: true}}
		}
	}
	result := recompute.Result{State: recompute.Present}
	set := labels.Set{}
	if ok {
		maps.Copy(set, namespace.Labels)
		result.Good = namespace
	}
	set[corev1.LabelMetadataName] = name // whatever it says, as an API server sees to
	result.Value = namespaceView{Labels: set}
	return result
}
