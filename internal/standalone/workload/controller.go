package workload

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// controller is what Pods belong to: a Deployment, a ReplicaSet that the user wrote, a StatefulSet or a DaemonSet.
type controller interface {
	name() store.Ref
	// source is the component that its events are from.
	source() string
	// take takes the object as it is now.
	take(store.Object)
	// reconcile brings the Pods one step nearer to what the object asks for, and writes what is to be said of it.
	reconcile(*Core)
	// release lets go of everything that it owns: the object is gone.
	release(*Core)
	// all are its Pods, those on their way out too, in the order of their creation.
	all() []*pod
	// drop forgets a Pod that has ended.
	drop(*pod)
	// stale tells whether a Pod is of an earlier template.
	stale(*pod) bool
}

func newController(ref store.Ref) controller {
	switch ref.Kind {
	case kind.Deployment:
		return &deployment{ref: ref}
	case kind.ReplicaSet:
		return &replicas{ref: ref}
	case kind.StatefulSet:
		return &statefulSet{ref: ref}
	case kind.DaemonSet:
		return &daemonSet{ref: ref}
	}
	return nil
}

// observeController takes in what the user wrote, and lets it go. A ReplicaSet of a Deployment's is not a controller here.
func (c *Core) observeController(ref store.Ref) {
	x, e := c.controllers[ref], c.snapshot.Get(ref)
	switch {
	case e == nil && x == nil:
		return
	case e == nil:
		delete(c.controllers, ref)
		delete(c.dirty, x)
		x.release(c)
		return
	case ref.Kind == kind.ReplicaSet && metav1.GetControllerOf(e.Object) != nil:
		c.observeReplicaSet(ref)
		return
	case x == nil:
		x = newController(ref)
		c.controllers[ref] = x
	}
	x.take(e.Object)
	c.dirty[x] = struct{}{}
}

// staying are the Pods that are not on their way out, in the order of their creation.
func staying(pods []*pod) []*pod {
	var all []*pod
	for _, p := range pods {
		if !p.deleting {
			all = append(all, p)
		}
	}
	return all
}

// available tells whether a Pod has been ready for long enough. In a rollout a new Pod has to be found healthy, too, and
// to be ready for as long as probers need to look at it, before an old one goes.
func (c *Core) available(p *pod, minReadySeconds int32, rolling bool) bool {
	if !p.ready() {
		return false
	}
	wait := time.Duration(minReadySeconds) * time.Second
	if rolling {
		wait += c.config.Settle
	}
	if at := p.readySince.Add(wait); c.now.Before(at) {
		c.lookAgain(p, at)
		return false
	}
	if rolling && c.sick(p) {
		c.lookAgain(p, c.now.Add(verdictPeriod))
		if !p.blamed {
			p.blamed = true
			c.event(p.owner.name(), "Warning", "RolloutWaiting", "Pod "+p.ref.Name+" is ready, but the load balancer's health check "+
				"does not find it healthy at any location; the old Pods stay until it is", p.owner.source())
		}
		return false
	}
	return true
}

// serving tells whether an old Pod may be answering requests now.
func (c *Core) serving(p *pod, minReadySeconds int32) bool {
	return c.available(p, minReadySeconds, false) && !c.sick(p)
}

// sick tells whether probers look at a Pod and do not find it healthy.
func (c *Core) sick(p *pod) bool {
	healthy, probed := c.healthy()[p.ip()]
	return probed && !healthy
}

// lookAgain has the Pod's controller looked at again at a time.
func (c *Core) lookAgain(p *pod, at time.Time) {
	if p.availableAt.IsZero() || at.Before(p.availableAt) || !c.now.Before(p.availableAt) {
		p.availableAt = at
	}
	c.waiting[p] = struct{}{}
}

// birth is what a controller says of a Pod that it makes.
type birth struct {
	ref      store.Ref
	owner    controller
	by       metav1.OwnerReference
	generate string // generateName
	hash     string // of the template
	slot     int
	template *corev1.PodTemplateSpec
	// labels are added to the template's.
	labels map[string]string
}

// create makes a Pod and starts it.
func (c *Core) create(b birth) *pod {
	p := &pod{owner: b.owner, slot: b.slot, hash: b.hash, ref: b.ref, created: c.now}
	labels := map[string]string{}
	for _, from := range []map[string]string{b.template.Labels, b.labels} {
		for key, value := range from {
			labels[key] = value
		}
	}
	p.object = &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.ref.Namespace, Name: b.ref.Name, GenerateName: b.generate, Labels: labels,
			Annotations: b.template.Annotations, Finalizers: b.template.Finalizers, OwnerReferences: []metav1.OwnerReference{b.by},
		},
		Spec: *b.template.Spec.DeepCopy(),
	}
	return p
}

// free tells whether a Pod may be made under a name. If not, the controller is looked at again when it may.
func (c *Core) free(ref store.Ref, x controller) bool {
	if c.byRef[ref] == nil && c.snapshot.Get(ref) == nil {
		return true
	}
	c.awaited[ref] = x
	return false
}
