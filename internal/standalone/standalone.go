// Package standalone makes of a directory's objects what an API server's controllers, scheduler and kubelets would: it
// gives clusters Nodes, Services their ClusterIPs and EndpointSlices, Deployments their ReplicaSets and Pods, and runs
// the Pods on this machine.
//
// In: the objects that the user wrote. Out: the objects, statuses and events that a cluster would add, in the same
// store, and sockets that answer. What the user wrote wins over what would be fabricated.
//
//	s := store.New(slices.Concat(standalone.Indexes(), ...)...)
//	c := standalone.New(s, writer, standalone.Options{Dir: dir})
//	err := c.Run(ctx)     // returns when ctx ends; Pods go on
//	c.Shutdown(drained)   // ends the Pods, when the proxies have drained
//
// The deciding is done by pure units (Nodes, slices) and the clock-free core in package workload; this package is the
// shell around them: one goroutine that takes changes, reports and the time, and acts.
package standalone

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/standalone/kubelet"
	"github.com/spillway-lb/spillway/internal/standalone/sample"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// DefaultProject is the project of clusters that name none.
	DefaultProject = fleet.DefaultProject
	// quiet is how long a timer waits when there is nothing to wait for.
	quiet = time.Hour
)

// Options are the settings of a Controller; the zero value is ready to use.
type Options struct {
	// Dir is what the working directories of commands are relative to.
	Dir string
	// Settle is how long a new Pod of a rollout has to be ready before an old one goes; 1 s if unset.
	Settle time.Duration
	// Drain is how long a Pod that is to stop serves on before its containers hear of it; 1 s if unset.
	Drain time.Duration
	// Project is shown where a cluster names no project; DefaultProject if unset.
	Project string
	// Healthy says, for each Pod address that is probed, whether it is found healthy. A rollout waits for that. It may be
	// called from any goroutine; nil knows nothing.
	Healthy func() map[netip.Addr]bool
	// Gates returns the readiness gates that a Pod is to have beside its own when it is made, as an admission webhook would add
	// them; nil adds none.
	Gates  func(snapshot *store.Snapshot, cluster string, pod *corev1.Pod) []corev1.PodReadinessGate
	Logger *slog.Logger
	// Now is the clock; time.Now if unset.
	Now func() time.Time
}

// Indexes returns the store indexes that the package reads.
func Indexes() []store.Index {
	return []store.Index{{Name: indexPods, Kind: kind.Pod, Keys: podKeys}}
}

// units are the pure parts, with what they are told once.
type units struct {
	project string
}

func newEngine(project string) *recompute.Engine {
	u := units{project: project}
	translators := map[string]recompute.Translator{
		fleet.UnitMembers: fleet.Units()[fleet.UnitMembers],
		unitCluster:       u.translateCluster,
		unitSlices:        translateSlices,
	}
	return recompute.New(recompute.Config{Units: translators, Roots: []recompute.Root{
		{Kind: kind.Cluster, Unit: unitCluster},
		{Kind: kind.Service, Unit: unitSlices},
	}})
}

// Controller runs the controllers of every cluster of a store.
type Controller struct {
	store   *store.Store
	writer  *status.Writer
	options Options

	sub     *store.Subscription
	engine  *recompute.Engine
	core    *workload.Core
	ips     *clusterIPs
	kubelet *kubelet.Kubelet
	do      func(workload.Command)
	inbox   *kubelet.Inbox

	mu      sync.Mutex
	done    uint64        // revision of the newest snapshot that a step has answered
	stepped chan struct{} // closed by the next step
}

// New makes a Controller. The writer may be shared with others.
func New(s *store.Store, w *status.Writer, o Options) *Controller {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := newController(s, w, o, kubelet.SharedAddress())
	c.kubelet = kubelet.New(kubelet.Options{
		Report: c.inbox.Report, Dir: o.Dir, Drain: o.Drain, Logger: o.Logger, Now: o.Now,
	})
	c.do = c.kubelet.Do
	return c
}

func newController(s *store.Store, w *status.Writer, o Options, oneAddress bool) *Controller {
	if o.Project == "" {
		o.Project = DefaultProject
	}
	return &Controller{
		store: s, writer: w, options: o, sub: s.Subscribe(), engine: newEngine(o.Project), ips: newClusterIPs(),
		core: workload.New(workload.Config{
			Settle: o.Settle, OneAddress: oneAddress, Builtin: isBuiltin, Project: o.Project, Gates: o.Gates,
		}),
		inbox: kubelet.NewInbox(), stepped: make(chan struct{}),
	}
}

func isBuiltin(image string) bool {
	_, known := sample.Find(image)
	return known
}

// Run acts until the context ends. Pods that run then go on running.
func (c *Controller) Run(ctx context.Context) error {
	defer c.store.Unsubscribe(c.sub)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.sub.Ready():
		case <-c.inbox.News:
		case <-timer.C:
		}
		next := c.step(c.options.Now())
		wait := quiet
		if !next.IsZero() {
			wait = max(0, next.Sub(c.options.Now()))
		}
		timer.Reset(wait)
	}
}

// Shutdown ends every Pod. What is in flight may finish until the context is done.
func (c *Controller) Shutdown(ctx context.Context) { c.kubelet.Close(ctx) }

// Logs returns the end of what a container of a Pod has printed from an offset on, and the offset at which more will
// follow.
func (c *Controller) Logs(pod store.Ref, container string, from int64) (b []byte, next int64) {
	return c.kubelet.Logs(c.inbox.ID(pod), container, from)
}

// step takes what is new, decides, writes and orders. It returns when time alone makes another step necessary.
func (c *Controller) step(now time.Time) time.Time {
	snapshot, touched := c.sub.Take()
	round := c.engine.Run(snapshot, touched)
	for _, p := range round.Problems {
		c.options.Logger.Error("a unit failed", "unit", p.Unit.String(), "problem", p.Text)
	}
	out := c.core.Step(workload.Input{
		Now: now, Snapshot: snapshot, Touched: touched, Reports: c.inbox.Take(), Healthy: c.options.Healthy,
	})
	c.writer.Apply(append(round.Writes, out.Writes...), nil, now)
	c.store.Commit(func(tx *store.Tx) {
		c.ips.assign(tx, touched)
		for _, b := range out.Bindings {
			bind(tx, b)
		}
	})
	c.answered(snapshot.Revision())
	for _, command := range out.Commands {
		c.inbox.Expect(command)
		c.do(command)
	}
	return out.Next
}

// answered tells those who Await that everything a snapshot calls for is in the store.
func (c *Controller) answered(revision uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = max(c.done, revision)
	close(c.stepped)
	c.stepped = make(chan struct{})
}

// Await waits until the objects that a revision of the store calls for have been added to it, or the context ends: a
// Service that comes back is then never seen without its EndpointSlices.
func (c *Controller) Await(ctx context.Context, revision uint64) {
	for {
		c.mu.Lock()
		done, stepped := c.done, c.stepped
		c.mu.Unlock()
		if done >= revision {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-stepped:
		}
	}
}
