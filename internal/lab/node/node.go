// Package node is a lab's machines: it keeps the Nodes of every cluster alive in their API servers, and runs the Pods that
// schedulers bind to them, as kubelets do.
//
// In: the clusters, each with a client. Out: Nodes, Leases, statuses and events of Pods, and the Pods' sockets. What decides about a
// Pod is package workload, what runs it package standalone/kubelet, both as in `spillway serve`; this package is the shell
// between them and API servers.
//
//	agent, err := node.Start(ctx, node.Options{Members: members})
//	agent.Close(ctx) // ends the Pods
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/standalone/kubelet"
	"github.com/spillway-lb/spillway/internal/standalone/sample"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/store"
)

// quiet is how long a timer waits when there is nothing to wait for.
const quiet = time.Hour

// Member is one cluster.
type Member struct {
	Plan   plan.Cluster
	Nodes  []plan.Node
	Config *rest.Config
}

// Options are the settings of an Agent.
type Options struct {
	Members []Member
	Project string
	// Version is that of Kubernetes, which the Nodes show.
	Version string
	// Certificate and Key, in PEM, are of the Nodes' addresses: API servers ask them for logs.
	Certificate, Key []byte
	// Dir is what the working directories of commands are relative to.
	Dir    string
	Logger *slog.Logger
}

// Agent is every kubelet of a lab.
type Agent struct {
	options Options
	store   *store.Store
	sub     *store.Subscription
	core    *workload.Core
	kubelet *kubelet.Kubelet
	members map[string]*member
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	inbox   *kubelet.Inbox
}

// Start makes the Nodes and takes up their work. It returns when every Node is there.
func Start(ctx context.Context, o Options) (*Agent, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ranges := map[string]netip.Prefix{}
	for _, m := range o.Members {
		ranges[m.Plan.Name] = m.Plan.Pods()
	}
	s := store.New()
	a := &Agent{
		options: o, store: s, sub: s.Subscribe(), members: map[string]*member{}, inbox: kubelet.NewInbox(),
		core: workload.New(workload.Config{
			Bound: true, Pods: func(cluster string) netip.Prefix { return ranges[cluster] }, Builtin: isBuiltin, Project: o.Project,
		}),
	}
	a.kubelet = kubelet.New(kubelet.Options{Report: a.inbox.Report, Dir: o.Dir, Logger: o.Logger})
	for _, m := range o.Members {
		made, err := newMember(m, o, s)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", m.Plan.Name, err)
		}
		a.members[m.Plan.Name] = made
		if err := made.createNodes(ctx); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", m.Plan.Name, err)
		}
	}
	running, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	for _, m := range a.members {
		if err := a.serveLogs(running, m); err != nil {
			cancel()
			return nil, fmt.Errorf("cluster %s: %w", m.Plan.Name, err)
		}
		m.run(running, &a.wg)
	}
	a.wg.Go(func() { a.run(running) })
	return a, nil
}

func isBuiltin(image string) bool {
	_, known := sample.Find(image)
	return known
}

// Close ends every Pod, and leaves the API servers as they are.
func (a *Agent) Close(ctx context.Context) {
	a.cancel()
	a.kubelet.Close(ctx)
	a.wg.Wait()
}

// run takes changes, reports and the time, and acts.
func (a *Agent) run(ctx context.Context) {
	defer a.store.Unsubscribe(a.sub)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.sub.Ready():
		case <-a.inbox.News:
		case <-timer.C:
		}
		wait := quiet
		if next := a.step(time.Now()); !next.IsZero() {
			wait = max(0, time.Until(next))
		}
		timer.Reset(wait)
	}
}

// step decides, tells the API servers and orders. It returns when time alone makes the next one necessary.
func (a *Agent) step(now time.Time) time.Time {
	snapshot, touched := a.sub.Take()
	out := a.core.Step(workload.Input{Now: now, Snapshot: snapshot, Touched: touched, Reports: a.inbox.Take()})
	for _, w := range out.Writes {
		if m := a.members[w.Ref.Cluster]; m != nil && !w.Removed {
			m.write(snapshot, w.Write)
		}
	}
	for _, gone := range out.Gone {
		if m := a.members[gone.Pod.Cluster]; m != nil {
			m.writer.remove(gone)
		}
	}
	for _, command := range out.Commands {
		a.inbox.Expect(command)
		a.kubelet.Do(command)
	}
	return out.Next
}

// write tells an API server what the core says of a Pod.
func (m *member) write(snapshot *store.Snapshot, w recompute.Write) {
	switch value := w.Value.(type) {
	case *corev1.PodStatus:
		m.writer.set(w.Ref, w.Key, value)
	case recompute.Event:
		if e := snapshot.Get(w.Ref); e != nil {
			m.tell(e.Object, value)
		}
	}
}

// Pods is how many Pods a cluster has on its Nodes.
func (a *Agent) Pods(cluster string) int {
	return len(a.store.Snapshot().List(kind.Pod, cluster, ""))
}

// Logs is the end of what a container has printed from an offset on, and the offset at which more will follow. A container that
// is not named is the Pod's first.
func (a *Agent) Logs(cluster, namespace, name, container string, from int64) ([]byte, int64, error) {
	id, container, err := a.find(cluster, namespace, name, container)
	if err != nil {
		return nil, 0, err
	}
	b, next := a.kubelet.Logs(id, container, from)
	return b, next, nil
}

// logsSince is the offset of the first line that a container began at a time or later.
func (a *Agent) logsSince(cluster, namespace, name, container string, at time.Time) (int64, error) {
	id, container, err := a.find(cluster, namespace, name, container)
	if err != nil {
		return 0, err
	}
	return a.kubelet.LogsSince(id, container, at), nil
}

// Kill ends a container as a crash does.
func (a *Agent) Kill(cluster, namespace, name, container string) (string, error) {
	id, container, err := a.find(cluster, namespace, name, container)
	if err != nil {
		return "", err
	}
	if !a.kubelet.Kill(id, container) {
		return "", fmt.Errorf("container %s of pod %s/%s does not run", container, namespace, name)
	}
	return fmt.Sprintf("killed container %s of pod %s/%s in %s", container, namespace, name, cluster), nil
}

// find is the id of a Pod that runs, and the name of its container.
func (a *Agent) find(cluster, namespace, name, container string) (id, found string, err error) {
	if a.members[cluster] == nil {
		return "", "", fmt.Errorf("the lab has no cluster %q", cluster)
	}
	ref := store.Ref{Cluster: cluster, Kind: kind.Pod, Namespace: namespace, Name: name}
	e := a.store.Snapshot().Get(ref)
	if e == nil {
		return "", "", fmt.Errorf("pods %q not found in namespace %s of %s", name, namespace, cluster)
	}
	object, ok := e.Object.(*corev1.Pod)
	if !ok {
		return "", "", fmt.Errorf("%s is no Pod", ref)
	}
	if container == "" {
		container = object.Spec.Containers[0].Name
	}
	for _, all := range [][]corev1.Container{object.Spec.Containers, object.Spec.InitContainers} {
		for i := range all {
			if all[i].Name == container {
				return a.inbox.ID(ref), container, nil
			}
		}
	}
	return "", "", fmt.Errorf("container %s is not valid for pod %s", container, name)
}
