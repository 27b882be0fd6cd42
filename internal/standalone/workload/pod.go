package workload

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// defaultGrace is a Pod's termination grace period if it names none.
const defaultGrace = 30 * time.Second

const kubelet = "kubelet"

// pod is a Pod and what runs of it.
type pod struct {
	id  string
	ref store.Ref
	// object is the Pod without a status. The core's own carries the Node and deletionTimestamp.
	object *corev1.Pod
	// replicaSet is nil for a Pod that the user wrote.
	replicaSet *replicaSet
	slot       int

	node       string
	address    netip.Addr
	created    time.Time
	started    time.Time // when the Node took it
	readySince time.Time // zero if not ready
	// availableAt is when its Deployment has to look at it again.
	availableAt time.Time
	deleting    bool
	stopping    bool // a Stop is under way
	unscheduled string
	blamed      bool // an event says that a rollout waits for its health
	containers  []*container
}

// ready is the Pod's Ready condition.
func (p *pod) ready() bool { return !p.readySince.IsZero() }

// createPods adds n Pods to a ReplicaSet, in its first free slots.
func (c *Core) createPods(rs *replicaSet, n int) {
	taken := map[int]bool{}
	for _, p := range rs.staying() {
		taken[p.slot] = true
	}
	for slot := 0; n > 0; slot++ {
		if !taken[slot] {
			c.createPod(rs, slot)
			n--
		}
	}
}

func (c *Core) createPod(rs *replicaSet, slot int) {
	p := &pod{replicaSet: rs, slot: slot, ref: c.podRef(rs, slot), created: c.now}
	p.object = &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.ref.Namespace, Name: p.ref.Name, GenerateName: rs.ref.Name + "-",
			Labels: rs.template.Labels, Annotations: rs.template.Annotations,
			OwnerReferences: []metav1.OwnerReference{
				owner(appsv1.SchemeGroupVersion.String(), "ReplicaSet", rs.ref.Name, rs.uid),
			},
		},
		Spec: *rs.template.Spec.DeepCopy(),
	}
	rs.pods = append(rs.pods, p)
	c.event(rs.ref, "Normal", "SuccessfulCreate", "Created pod: "+p.ref.Name, replicaSetController)
	c.admit(p)
}

// podRef names a Pod after its slot. A name that is still in use, by a Pod that terminates, is passed over.
func (c *Core) podRef(rs *replicaSet, slot int) store.Ref {
	ref := store.Ref{Cluster: rs.ref.Cluster, Kind: kind.Pod, Namespace: rs.ref.Namespace}
	for life := 0; ; life++ {
		ref.Name = rs.ref.Name + "-" + rand.SafeEncodeString(digest.Hex(fmt.Sprintf("%s/%d/%d", rs.ref, slot, life), 5))
		if c.byRef[ref] == nil && c.snapshot.Get(ref) == nil {
			return ref
		}
	}
}

// admit takes a Pod in, gives it a Node and an address, and starts it.
func (c *Core) admit(p *pod) {
	c.sequence++
	p.id = fmt.Sprintf("%s#%d", p.ref, c.sequence)
	for i := range p.object.Spec.Containers {
		p.containers = append(p.containers, &container{spec: &p.object.Spec.Containers[i], reason: "ContainerCreating"})
	}
	c.pods[p.id] = p
	c.byRef[p.ref] = p
	c.mark(p)
	c.schedule(p)
}

// observePod takes in Pods that the user wrote, and lets them go.
func (c *Core) observePod(ref store.Ref) {
	p := c.byRef[ref]
	if p != nil && p.replicaSet != nil {
		return
	}
	object, ok := get[*corev1.Pod](c, ref)
	switch {
	case !ok && p == nil:
	case !ok:
		c.deletePod(p)
	case p != nil && samePod(p.object, object):
	case p != nil && p.deleting:
		// The next life starts when this one has ended.
	case p != nil:
		c.deletePod(p)
	case !isFabricated(object):
		c.admit(&pod{ref: ref, object: object, created: c.now})
	}
}

// isFabricated recognises what is left of a Pod of the core's own that is going.
func isFabricated(object *corev1.Pod) bool {
	return object.GenerateName != "" && len(object.OwnerReferences) > 0
}

// samePod tells whether an edit of a Pod leaves what runs alone.
func samePod(a, b *corev1.Pod) bool {
	return jsonEqual(a.Spec.Containers, b.Spec.Containers) && jsonEqual(a.Spec.Volumes, b.Spec.Volumes)
}

// deletePod lets a Pod terminate; it is gone when its containers have ended.
func (c *Core) deletePod(p *pod) {
	if p.deleting {
		return
	}
	p.deleting = true
	c.mark(p)
	if !p.running() {
		c.forget(p)
		return
	}
	grace := p.grace()
	if p.replicaSet != nil {
		seconds := int64(grace / time.Second)
		object := *p.object
		at := metav1.NewTime(c.now.UTC().Truncate(time.Second).Add(grace))
		object.DeletionTimestamp, object.DeletionGracePeriodSeconds = &at, &seconds
		p.object = &object
	}
	for _, x := range p.containers {
		if x.state == stateRunning {
			c.event(p.ref, "Normal", "Killing", "Stopping container "+x.spec.Name, kubelet)
		}
	}
	p.stopping = true
	c.out.Commands = append(c.out.Commands, Command{Stop: &Stop{Pod: p.id, Grace: grace}})
}

// running tells whether anything of the Pod has been ordered to run.
func (p *pod) running() bool {
	return slices.ContainsFunc(p.containers, func(x *container) bool {
		return x.state == stateStarting || x.state == stateRunning
	})
}

func (p *pod) grace() time.Duration {
	if s := p.object.Spec.TerminationGracePeriodSeconds; s != nil && *s >= 0 {
		return time.Duration(*s) * time.Second
	}
	return defaultGrace
}

// forget drops a Pod that has ended, and its objects.
func (c *Core) forget(p *pod) {
	delete(c.pods, p.id)
	delete(c.byRef, p.ref)
	delete(c.waiting, p)
	delete(c.dirtyPods, p)
	if p.address.IsValid() && !c.config.OneAddress {
		delete(c.addresses, p.address)
	}
	c.unwrite(p.ref, recompute.PartStatus, recompute.PartAnnotations)
	if rs := p.replicaSet; rs != nil {
		c.unwrite(p.ref, recompute.PartObject)
		rs.pods = slices.DeleteFunc(rs.pods, func(x *pod) bool { return x == p })
		c.mark(p)
		return
	}
	// A Pod that the user changed starts anew.
	c.observePod(p.ref)
}

// allocate gives the Pod an address by its name, another one if that is taken.
func (c *Core) allocate(p *pod) netip.Addr {
	if c.config.OneAddress {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	in := address.Pods(p.ref.Cluster)
	size := uint32(1)<<(32-in.Bits()) - 2
	start := digest.Number(p.ref.String()) >> 16
	for i := range size {
		addr := address.Nth(in, 1+(start+i)%size)
		if _, taken := c.addresses[addr]; !taken {
			c.addresses[addr] = struct{}{}
			return addr
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}
