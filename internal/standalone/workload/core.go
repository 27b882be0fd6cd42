// Package workload decides what a cluster's controllers, scheduler and kubelets would: which Pods a Deployment, a
// ReplicaSet, a StatefulSet or a DaemonSet has, where they stand, when a new Pod replaces an old one, when it is ready, and
// when a crashed container starts again.
//
// In: store snapshots with what was touched, reports from whatever runs the containers, and the time. Out: the objects,
// statuses and events to write, commands to start and stop containers, and the time to be called again. It has no clock,
// no goroutine and no I/O, so a rollout is a table of steps in a test.
//
//	core := workload.New(workload.Config{})
//	out := core.Step(workload.Input{Now: now, Snapshot: snapshot, Touched: touched, Reports: reports})
package workload

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// AnnotationPorts is on Pods whose ports are not bound as the containers name them. Its value is JSON, from container
// port to bound port; the key "*" stands for every other port.
const AnnotationPorts = "spillway.dev/bound-ports"

// Config are the settings of a core.
type Config struct {
	// Settle is how long a new Pod of a rollout has to be ready, beyond its minReadySeconds, before an old one goes:
	// the time in which proxies probe it. Unset is 1 s.
	Settle time.Duration
	// OneAddress is for systems that have no 127.0.0.0/8 but 127.0.0.1.
	OneAddress bool
	// Builtin tells the images that run without being mapped.
	Builtin func(image string) bool
	// DefaultPort is the PORT of a mapped command whose container names none. Unset is 8080.
	DefaultPort uint16
	// Project is shown where a cluster names no project.
	Project string
	// Bound is for Pods that an API server's scheduler has bound to Nodes: the core is their kubelet, and nothing more. A Pod ends
	// when its object says so; then it is in Output.Gone, and whoever took it from the API server deletes it there. The Key of a
	// PartStatus is the Pod's UID.
	Bound bool
	// Pods is the range of a cluster's Pods; address.Pods if unset.
	Pods func(cluster string) netip.Prefix
	// Gates returns the readiness gates that a Pod is to have beside its own, as an admission webhook would add them when it
	// is made. The Pod must not be changed; nil adds none.
	Gates func(snapshot *store.Snapshot, cluster string, pod *corev1.Pod) []corev1.PodReadinessGate
}

// Input is one step's news.
type Input struct {
	Now      time.Time
	Snapshot *store.Snapshot
	Touched  []string
	Reports  []Report
	// Healthy asks the probers. It returns, for each Pod address that they probe, whether every check of it finds it
	// healthy at some location. It is asked during rollouts only, at most once a step; nil knows nothing.
	Healthy func() map[netip.Addr]bool
}

// Output is what one step decides.
type Output struct {
	Writes   []recompute.WriteChange
	Commands []Command
	// Bindings put the name of a Node into Pods that the user wrote, as a scheduler does.
	Bindings []Binding
	// Gone are Pods to delete for good: nothing of them runs any more.
	Gone []Gone
	// Next is when time alone makes the next step necessary; zero if never.
	Next time.Time
}

// Core holds the controllers and their Pods. It is owned by one goroutine.
type Core struct {
	config Config

	now      time.Time
	snapshot *store.Snapshot
	out      Output
	healthy  func() map[netip.Addr]bool

	controllers map[store.Ref]controller
	pods        map[string]*pod // by id
	byRef       map[store.Ref]*pod
	awaited     map[store.Ref]controller // by the Pod whose name has to be free
	addresses   map[netip.Addr]struct{}
	images      []spillwayv1alpha1.Image
	sequence    uint64

	dirty      map[controller]struct{}
	dirtyPods  map[*pod]struct{}
	waiting    map[*pod]struct{}        // for time, a Node or a ConfigMap
	progresses map[*deployment]struct{} // those with a deadline
}

// New makes a core that knows nothing yet; its first step has to be given every object as touched.
func New(c Config) *Core {
	if c.Settle == 0 {
		c.Settle = time.Second
	}
	if c.Builtin == nil {
		c.Builtin = func(string) bool { return false }
	}
	if c.Pods == nil {
		c.Pods = address.Pods
	}
	if c.DefaultPort == 0 {
		c.DefaultPort = 8080
	}
	return &Core{
		config: c, controllers: map[store.Ref]controller{}, pods: map[string]*pod{}, byRef: map[store.Ref]*pod{},
		awaited: map[store.Ref]controller{}, addresses: map[netip.Addr]struct{}{}, dirty: map[controller]struct{}{},
		dirtyPods: map[*pod]struct{}{}, waiting: map[*pod]struct{}{}, progresses: map[*deployment]struct{}{},
	}
}

// Step takes the news and decides.
func (c *Core) Step(in Input) Output {
	c.now, c.snapshot, c.out = in.Now, in.Snapshot, Output{}
	c.healthy = sync.OnceValue(func() map[netip.Addr]bool {
		if in.Healthy == nil {
			return nil
		}
		return in.Healthy()
	})
	retry := false
	for _, read := range in.Touched {
		retry = c.observe(read) || retry
	}
	for _, r := range in.Reports {
		c.report(r)
	}
	c.reconcileDirty() // before Pods try again: they may have been replaced
	c.wake(retry)
	c.reconcileDirty()
	c.emitDirty()
	c.out.Next = c.next()
	return c.out
}

// observe takes note of a touched object; it returns true if Pods that could not start may start now.
func (c *Core) observe(read string) (retry bool) {
	if ref, ok := store.WrittenOf(read); ok && ref.Kind == kind.Pod {
		c.observeGates(ref)
		return false
	}
	ref, ok := store.ObjectOf(read)
	if !ok {
		return false
	}
	switch ref.Kind {
	case kind.Deployment, kind.ReplicaSet, kind.StatefulSet, kind.DaemonSet:
		c.observeController(ref)
	case kind.Pod:
		c.observePod(ref)
	case kind.Node:
		c.observeNode(ref)
		return true
	case kind.Configuration:
		c.observeConfiguration()
		return true
	case kind.ConfigMap, kind.Secret, kind.Cluster:
		return true
	}
	return false
}

// observeReplicaSet learns the UID that a new ReplicaSet was given, which its Pods name as their owner's.
func (c *Core) observeReplicaSet(ref store.Ref) {
	object, ok := get[*appsv1.ReplicaSet](c, ref)
	if !ok {
		return
	}
	for _, owner := range object.OwnerReferences {
		d, ok := c.controllers[store.Ref{
			Cluster: ref.Cluster, Kind: kind.Deployment, Namespace: ref.Namespace, Name: owner.Name,
		}].(*deployment)
		if !ok {
			continue
		}
		for _, rs := range d.replicaSets {
			if rs.ref == ref && rs.uid != object.UID {
				rs.uid = object.UID
				c.dirty[d] = struct{}{}
			}
		}
	}
}

func (c *Core) observeConfiguration() {
	c.images = nil
	c.snapshot.Walk(kind.Configuration, "", "", func(e *store.Entry) bool {
		if o, ok := e.Object.(*spillwayv1alpha1.Configuration); ok {
			c.images = append(c.images, o.Spec.Images...)
		}
		return true
	})
	for _, x := range c.controllers {
		c.dirty[x] = struct{}{}
	}
}

// reconcileDirty goes on until no controller asks for more: to delete a Pod that never started ends it at once.
func (c *Core) reconcileDirty() {
	for len(c.dirty) > 0 {
		dirty := slices.SortedFunc(maps.Keys(c.dirty), func(a, b controller) int {
			return strings.Compare(a.name().String(), b.name().String())
		})
		clear(c.dirty)
		for _, x := range dirty {
			x.reconcile(c)
		}
	}
}

func (c *Core) emitDirty() {
	dirty := make([]*pod, 0, len(c.dirtyPods))
	for p := range c.dirtyPods {
		dirty = append(dirty, p)
	}
	clear(c.dirtyPods)
	slices.SortFunc(dirty, func(a, b *pod) int { return strings.Compare(a.id, b.id) })
	for _, p := range dirty {
		c.emitPod(p)
	}
}

// mark has the Pod's objects written at the end of the step, and its controller looked at.
func (c *Core) mark(p *pod) {
	if c.pods[p.id] == p {
		c.dirtyPods[p] = struct{}{}
	}
	c.markOwner(p.owner)
}

// markOwner has a controller looked at, unless it is gone and a Pod is all that is left of it.
func (c *Core) markOwner(x controller) {
	if x != nil && c.controllers[x.name()] == x {
		c.dirty[x] = struct{}{}
	}
}

func (c *Core) write(ref store.Ref, part recompute.Part, value any) {
	c.out.Writes = append(c.out.Writes, recompute.WriteChange{Write: recompute.Write{Ref: ref, Part: part, Value: value}})
}

func (c *Core) unwrite(ref store.Ref, parts ...recompute.Part) {
	for _, part := range parts {
		c.out.Writes = append(c.out.Writes, recompute.WriteChange{
			Write: recompute.Write{Ref: ref, Part: part}, Removed: true,
		})
	}
}

// event tells what happened; each call is an occurrence of its own.
func (c *Core) event(about store.Ref, kind, reason, message, source string) {
	c.sequence++
	e := recompute.Event{
		Type: kind, Reason: reason, Message: message, Source: source, Cause: strconv.FormatUint(c.sequence, 10),
	}
	w := recompute.Write{Ref: about, Part: recompute.PartEvent, Key: reason, Value: e}
	// What is not wanted for good is taken back at once, so that nobody has to remember its cause.
	c.out.Writes = append(c.out.Writes,
		recompute.WriteChange{Write: w}, recompute.WriteChange{Write: w, Removed: true})
}

func get[T store.Object](c *Core, ref store.Ref) (object T, ok bool) {
	if e := c.snapshot.Get(ref); e != nil {
		object, ok = e.Object.(T)
	}
	return object, ok
}
