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
	// owner is nil for a Pod that the user wrote.
	owner controller
	hash  string // of its template, if it has an owner
	slot  int    // its place among its owner's Pods

	node       string
	address    netip.Addr
	created    time.Time
	started    time.Time // when the Node took it
	readySince time.Time // zero if not ready
	// availableAt is when its owner has to look at it again.
	availableAt time.Time
	deleting    bool
	stopping    bool // a Stop is under way
	unscheduled string
	closed      string       // why its readiness gates are not open
	blamed      bool         // an event says that a rollout waits for its health
	inits       []*container // run one after the other before the others, or beside them (sidecars)
	containers  []*container
}

// ready is the Pod's Ready condition.
func (p *pod) ready() bool { return !p.readySince.IsZero() }

// everything are the containers of all kinds.
func (p *pod) everything() []*container { return slices.Concat(p.inits, p.containers) }

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
	p := c.create(birth{
		ref: c.podRef(rs.ref, slot), owner: rs.owner, generate: rs.ref.Name + "-", hash: rs.hash, slot: slot, template: &rs.template,
		by: owner(appsv1.SchemeGroupVersion.String(), "ReplicaSet", rs.ref.Name, rs.uid),
	})
	rs.pods = append(rs.pods, p)
	c.event(rs.ref, "Normal", "SuccessfulCreate", "Created pod: "+p.ref.Name, replicaSetController)
	c.admit(p)
}

// podRef names a Pod after its slot. A name that is still in use, by a Pod that terminates, is passed over.
func (c *Core) podRef(of store.Ref, slot any) store.Ref {
	ref := store.Ref{Cluster: of.Cluster, Kind: kind.Pod, Namespace: of.Namespace}
	for life := 0; ; life++ {
		ref.Name = of.Name + "-" + rand.SafeEncodeString(digest.Hex(fmt.Sprintf("%s/%v/%d", of, slot, life), 5))
		if c.byRef[ref] == nil && c.snapshot.Get(ref) == nil {
			return ref
		}
	}
}

// admit takes a Pod in, gives it a Node and an address, and starts it.
func (c *Core) admit(p *pod) {
	c.sequence++
	p.id = fmt.Sprintf("%s#%d", p.ref, c.sequence)
	c.addGates(p)
	waiting := "ContainerCreating"
	if len(p.object.Spec.InitContainers) > 0 {
		waiting = podInitializing
	}
	for i := range p.object.Spec.InitContainers {
		p.inits = append(p.inits, &container{spec: &p.object.Spec.InitContainers[i], init: true, reason: podInitializing})
	}
	for i := range p.object.Spec.Containers {
		p.containers = append(p.containers, &container{spec: &p.object.Spec.Containers[i], reason: waiting})
	}
	c.pods[p.id] = p
	c.byRef[p.ref] = p
	c.mark(p)
	c.schedule(p)
}

// observePod takes in Pods that the user wrote, and lets them go.
func (c *Core) observePod(ref store.Ref) {
	p := c.byRef[ref]
	if p != nil && p.owner != nil {
		return
	}
	object, ok := get[*corev1.Pod](c, ref)
	if x := c.awaited[ref]; x != nil && !ok {
		delete(c.awaited, ref)
		c.markOwner(x)
	}
	switch {
	case !ok && p == nil:
	case !ok:
		c.deletePod(p)
	case c.config.Bound:
		c.observeBound(ref, p, object)
	case p != nil && samePod(p.object, object):
		c.mark(p) // an edit takes the Node out again
	case p != nil && p.deleting:
		// The next life starts when this one has ended.
	case p != nil:
		c.deletePod(p)
	case !isFabricated(object):
		c.admit(&pod{ref: ref, object: object, created: c.now})
	}
}

// observeBound follows a Pod of an API server's: it ends when it is asked to, when its containers become others, or when
// another Pod has its name. The next life starts when this one has ended.
func (c *Core) observeBound(ref store.Ref, p *pod, object *corev1.Pod) {
	switch {
	case p == nil && object.DeletionTimestamp != nil:
		c.out.Gone = append(c.out.Gone, Gone{Pod: ref, UID: object.UID})
	case p == nil && ended(object):
	case p == nil:
		c.admit(&pod{ref: ref, object: object, created: c.now})
	case p.deleting:
	case object.UID != p.object.UID, !samePod(p.object, object):
		c.deletePod(p)
	case object.DeletionTimestamp != nil:
		p.object = object
		c.deletePod(p)
	default:
		p.object = object
		c.settleReady(p)
		c.mark(p)
	}
}

// ended tells whether a Pod has come to its end by itself.
func ended(object *corev1.Pod) bool {
	return object.Status.Phase == corev1.PodSucceeded || object.Status.Phase == corev1.PodFailed
}

// isFabricated recognises what is left of a Pod of the core's own that is going.
func isFabricated(object *corev1.Pod) bool {
	return object.GenerateName != "" && len(object.OwnerReferences) > 0
}

// samePod tells whether an edit of a Pod leaves what runs alone.
func samePod(a, b *corev1.Pod) bool {
	return jsonEqual(a.Spec.InitContainers, b.Spec.InitContainers) && jsonEqual(a.Spec.Containers, b.Spec.Containers) &&
		jsonEqual(a.Spec.Volumes, b.Spec.Volumes)
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
	if p.owner != nil {
		seconds := int64(grace / time.Second)
		object := *p.object
		at := metav1.NewTime(c.now.UTC().Truncate(time.Second).Add(grace))
		object.DeletionTimestamp, object.DeletionGracePeriodSeconds = &at, &seconds
		p.object = &object
	}
	for _, x := range p.everything() {
		if x.state == stateRunning {
			c.event(p.ref, "Normal", "Killing", "Stopping container "+x.spec.Name, kubelet)
		}
	}
	p.stopping = true
	c.out.Commands = append(c.out.Commands, Command{Stop: &Stop{Pod: p.id, Grace: grace}})
}

// running tells whether anything of the Pod has been ordered to run.
func (p *pod) running() bool {
	return slices.ContainsFunc(p.everything(), func(x *container) bool {
		return x.state == stateStarting || x.state == stateRunning
	})
}

// grace is the Pod's termination grace period: what it was deleted with, or what it names.
func (p *pod) grace() time.Duration {
	if s := p.object.DeletionGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
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
	if p.owner != nil {
		c.unwrite(p.ref, recompute.PartObject)
		p.owner.drop(p)
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
	in := c.config.Pods(p.ref.Cluster)
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
