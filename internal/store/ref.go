// Package store holds every Kubernetes object that Spillway knows, of every cluster, as immutable snapshots.
//
// In: transactions of objects (from manifests, an API server, or the standalone controllers) and of what the status
// writer says of them. Out: snapshots to read without locks, and for each commit the set of read keys that it touched,
// which is what recompute invalidates by.
//
//	s := store.New(indexes...)
//	sub := s.Subscribe()
//	s.Commit(func(tx *store.Tx) { tx.Put("gke-west-1", gateway, "gateway.yaml:3") })
//	snapshot, touched := sub.Take()
//
// The one dangerous rule: an object that was put is never changed again, by anybody. Put a changed copy instead.
package store

import (
	"cmp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is a typed Kubernetes object.
type Object interface {
	metav1.Object
	runtime.Object
}

// Ref names an object of a cluster. Kind is the kind and its group, "Gateway.gateway.networking.k8s.io", or just the
// kind in the core group, "Service". Versions of one group share a Ref.
type Ref struct {
	Cluster   string
	Kind      string
	Namespace string
	Name      string
}

// String is KIND/CLUSTER/NAMESPACE/NAME, which ParseRef reads back. None of the parts can hold a slash.
func (r Ref) String() string {
	return r.Kind + "/" + r.Cluster + "/" + r.Namespace + "/" + r.Name
}

// CompareRefs orders refs by kind, cluster, namespace and name.
func CompareRefs(a, b Ref) int {
	return cmp.Or(
		strings.Compare(a.Kind, b.Kind), strings.Compare(a.Cluster, b.Cluster),
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
	)
}

// ParseRef is the inverse of String.
func ParseRef(s string) (Ref, bool) {
	p := strings.Split(s, "/")
	if len(p) != 4 {
		return Ref{}, false
	}
	return Ref{Kind: p[0], Cluster: p[1], Namespace: p[2], Name: p[3]}, true
}

// RefTo is the Ref of an object of the given cluster; the object must carry its kind and apiVersion.
func RefTo(cluster string, o Object) Ref {
	gvk := o.GetObjectKind().GroupVersionKind()
	kind := gvk.Kind
	if gvk.Group != "" {
		kind += "." + gvk.Group
	}
	return Ref{Cluster: cluster, Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}
