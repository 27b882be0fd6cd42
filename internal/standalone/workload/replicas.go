package workload

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// replicas is a ReplicaSet that the user wrote. It has as many Pods as it asks for; another template counts for new Pods
// only.
type replicas struct {
	ref    store.Ref
	object *appsv1.ReplicaSet
	set    *replicaSet
}

func (r *replicas) name() store.Ref { return r.ref }
func (r *replicas) source() string  { return replicaSetController }
func (r *replicas) all() []*pod     { return r.set.pods }
func (r *replicas) stale(*pod) bool { return false }

func (r *replicas) take(o store.Object) {
	if object, ok := o.(*appsv1.ReplicaSet); ok {
		r.object = object
	}
	if r.set == nil {
		r.set = &replicaSet{ref: r.ref, owner: r}
	}
	r.set.uid, r.set.template = r.object.UID, r.object.Spec.Template
}

func (r *replicas) drop(p *pod) {
	r.set.pods = slices.DeleteFunc(r.set.pods, func(x *pod) bool { return x == p })
}

func (r *replicas) reconcile(c *Core) {
	c.dropDeletedNodesPods(r)
	c.populate(r.set, int(wanted(r.object.Spec.Replicas)))
	status := c.replicaSetStatus(r.set, r.object.Spec.MinReadySeconds)
	status.ObservedGeneration = r.object.Generation
	c.write(r.ref, recompute.PartStatus, status)
}

func (r *replicas) release(c *Core) {
	for _, p := range r.set.staying() {
		c.deletePod(p)
	}
	c.unwrite(r.ref, recompute.PartStatus)
}

// wanted is a number of replicas, 1 where the user said nothing.
func wanted(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}
