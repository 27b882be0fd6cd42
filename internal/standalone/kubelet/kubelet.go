// Package kubelet runs the containers of Pods on this machine: built-in samples, local commands, or addresses of what
// runs already.
//
// In: the workload core's commands. Out: its reports: what started, on which ports, what is ready, what ended.
//
//	k := kubelet.New(kubelet.Options{Report: reports})
//	k.Do(command)
//	k.Close(ctx) // every Pod ends, gracefully until ctx is done
//
// A Pod that is told to stop goes on serving for a moment (Options.Drain) before its containers hear of it, because
// proxies need that moment to learn of it; its preStop hooks run meanwhile. No request is cut within the grace period, unless
// the program itself does.
package kubelet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

// Options are the settings of a Kubelet.
type Options struct {
	// Report receives news. It may be called from any goroutine, and must not call back.
	Report func(workload.Report)
	// Dir is what working directories are relative to.
	Dir string
	// Drain is how long a container that is to stop goes on as if nothing had happened, at most half of its grace
	// period; 1 s if unset.
	Drain time.Duration
	// Patience is how long a command whose container names no port may take to listen on PORT. After that it counts as
	// listening on another port, which only its Service knows; 5 s if unset.
	Patience time.Duration
	Logger   *slog.Logger
	// Now is the clock that samples show; time.Now if unset.
	Now func() time.Time
}

// reporter tells news of one container.
type reporter func(event workload.Event, change func(*workload.Report))

// Kubelet runs Pods.
type Kubelet struct {
	options Options

	mu     sync.Mutex
	closed bool
	pods   map[string]*sandbox
	wg     sync.WaitGroup
}

// sandbox is one Pod.
type sandbox struct {
	// stop is closed when the Pod is told to stop; grace then holds until when.
	stop   chan struct{}
	grace  context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	backends map[string]backend // by container: the last that ran
}

// New makes a Kubelet.
func New(o Options) *Kubelet {
	if o.Drain == 0 {
		o.Drain = time.Second
	}
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Kubelet{options: o, pods: map[string]*sandbox{}}
}

// Do obeys a command. It returns at once.
func (k *Kubelet) Do(c workload.Command) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
	case c.Run != nil:
		k.run(c.Run)
	case c.Stop != nil:
		k.stop(c.Stop.Pod, c.Stop.Grace)
	}
}

func (k *Kubelet) run(r *workload.Run) {
	s := k.pods[r.Pod]
	if s == nil {
		s = &sandbox{stop: make(chan struct{}), backends: map[string]backend{}}
		k.pods[r.Pod] = s
	}
	select {
	case <-s.stop:
		return // too late
	default:
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		k.runContainer(s, r)
	}()
}

func (k *Kubelet) stop(id string, grace time.Duration) {
	s := k.pods[id]
	if s == nil {
		s = &sandbox{stop: make(chan struct{})}
		k.pods[id] = s
	}
	select {
	case <-s.stop:
		return
	default:
	}
	s.grace, s.cancel = context.WithTimeout(context.Background(), grace)
	close(s.stop)
	k.wg.Add(1)
	go func() {
		defer k.wg.Done()
		defer s.cancel()
		s.wg.Wait()
		k.mu.Lock()
		delete(k.pods, id)
		k.mu.Unlock()
		k.options.Report(workload.Report{Pod: id, Event: workload.Stopped})
	}()
}

// Close stops every Pod at once, without the time that Drain leaves proxies to learn of it, and returns when all have
// ended. What is in flight may finish until ctx is done.
func (k *Kubelet) Close(ctx context.Context) {
	k.mu.Lock()
	k.closed = true
	for _, s := range k.pods {
		select {
		case <-s.stop: // its grace period may be longer than ctx
			defer context.AfterFunc(ctx, s.cancel)()
		default:
			s.grace = ctx
			close(s.stop)
			k.wg.Go(s.wg.Wait)
		}
	}
	k.mu.Unlock()
	k.wg.Wait()
}

func (k *Kubelet) closing() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.closed
}

// Logs returns the end of what a container has printed from an offset on, and the offset at which more will follow.
func (k *Kubelet) Logs(pod, container string, from int64) (b []byte, next int64) {
	if run := k.backend(pod, container); run != nil {
		return run.Logs(from)
	}
	return nil, 0
}

// LogsSince is the offset of the first line that a container began at a time or later.
func (k *Kubelet) LogsSince(pod, container string, at time.Time) int64 {
	if run := k.backend(pod, container); run != nil {
		return run.LogsSince(at)
	}
	return 0
}

// Kill ends a container as a crash does; its Pod goes on. It returns false if it does not run.
func (k *Kubelet) Kill(pod, container string) bool {
	b := k.backend(pod, container)
	if b == nil {
		return false
	}
	select {
	case <-b.Done():
		return false
	default:
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	b.Stop(now)
	return true
}

// backend is what runs, or ran last, for a container; nil if nothing did.
func (k *Kubelet) backend(pod, container string) backend {
	k.mu.Lock()
	s := k.pods[pod]
	k.mu.Unlock()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.backends[container]
}

// runContainer starts a container, reports on it, and ends it when its Pod is told to stop.
func (k *Kubelet) runContainer(s *sandbox, r *workload.Run) {
	report := func(event workload.Event, change func(*workload.Report)) {
		news := workload.Report{Pod: r.Pod, Container: r.Container.Name, Attempt: r.Attempt, Event: event}
		if change != nil {
			change(&news)
		}
		k.options.Report(news)
	}
	b, err := k.start(r)
	if err != nil {
		k.options.Logger.Warn("container failed to start", "pod", r.Namespace+"/"+r.Name, "cluster", r.Cluster, "error", err)
		report(workload.Failed, func(n *workload.Report) { n.Reason, n.Message = "RunContainerError", err.Error() })
		return
	}
	s.mu.Lock()
	s.backends[r.Container.Name] = b
	s.mu.Unlock()
	report(workload.Running, func(n *workload.Report) { n.Ports, n.IP = b.Ports() })

	probing, cancel := context.WithCancel(context.Background())
	var probes sync.WaitGroup
	failed := make(chan string, 1)
	probes.Go(func() {
		if k.postStart(probing, r, b, report, failed) && !r.Init {
			k.probe(probing, r, b, report, failed)
		}
	})
	exited := func() {
		code, message := b.Exit()
		cancel()
		probes.Wait()
		k.options.Logger.Info("container ended", "pod", r.Namespace+"/"+r.Name, "cluster", r.Cluster, "status", code)
		report(workload.Exited, func(n *workload.Report) { n.ExitCode, n.Message = int32(code), message })
	}
	select {
	case <-b.Done():
		exited()
	case text := <-failed:
		report(workload.Told, func(n *workload.Report) { n.Reason, n.Message = "Killing", text })
		k.kill(s, r, b, report)
		exited()
	case <-s.stop:
		k.end(s, r, b, report)
		cancel()
		probes.Wait()
	}
}

// kill ends a container that a probe or its first hook has given up, within the grace period that counts; the Pod goes on.
func (k *Kubelet) kill(s *sandbox, r *workload.Run, b backend, report reporter) {
	ctx, cancel := context.WithTimeout(context.Background(), killGrace(r))
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go func() { // a Pod that is told to stop meanwhile may have less time
		select {
		case <-s.stop:
			context.AfterFunc(s.grace, cancel)
		case <-ended:
		}
	}()
	k.preStop(ctx, r, b, report)
	b.Stop(ctx)
}

// killGrace is the Pod's grace period, unless the probe has one of its own.
func killGrace(r *workload.Run) time.Duration {
	for _, p := range []*corev1.Probe{r.Container.LivenessProbe, r.Container.StartupProbe} {
		if p != nil && p.TerminationGracePeriodSeconds != nil {
			return time.Duration(*p.TerminationGracePeriodSeconds) * time.Second
		}
	}
	return r.Grace
}

// lastGrace is what a container gets whose hook has used up its Pod's grace period, as in Kubernetes.
const lastGrace = 2 * time.Second

// end stops a container within its Pod's grace period: proxies hear of it first, and its hook runs meanwhile.
func (k *Kubelet) end(s *sandbox, r *workload.Run, b backend, report reporter) {
	drain := k.options.Drain
	if deadline, ok := s.grace.Deadline(); ok {
		drain = min(drain, time.Until(deadline)/2)
	}
	b.Leave()
	if k.closing() {
		b.Stop(s.grace)
		return
	}
	var hook sync.WaitGroup
	hook.Go(func() { k.preStop(s.grace, r, b, report) })
	if drain > 0 {
		timer := time.NewTimer(drain)
		select {
		case <-timer.C:
		case <-s.grace.Done():
		case <-b.Done():
		}
		timer.Stop()
	}
	hook.Wait()
	grace := s.grace
	if grace.Err() != nil && r.Container.Lifecycle != nil && r.Container.Lifecycle.PreStop != nil && !k.closing() {
		var cancel context.CancelFunc
		grace, cancel = context.WithTimeout(context.Background(), lastGrace)
		defer cancel()
	}
	b.Stop(grace)
}
