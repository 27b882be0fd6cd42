package kubelet

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/standalone/sample"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

// notRun says why a hook was not run at all.
type notRun struct{ error }

// postStart runs what a container is to do before it may be ready. false: it failed, and the container is to be killed, or the context
// has ended. A hook that a built-in image cannot run is told, and the container goes on.
func (k *Kubelet) postStart(ctx context.Context, r *workload.Run, b backend, report reporter, failed chan<- string) bool {
	if r.Container.Lifecycle == nil || r.Container.Lifecycle.PostStart == nil {
		return true
	}
	p := prober{run: r, backend: b}
	err := p.hook(ctx, r.Container.Lifecycle.PostStart)
	switch {
	case ctx.Err() != nil:
		return false
	case err == nil:
		return true
	}
	report(workload.Told, func(n *workload.Report) {
		n.Reason, n.Message = "FailedPostStartHook", "PostStartHook failed: "+err.Error()
	})
	if errors.As(err, &notRun{}) {
		return true
	}
	failed <- "FailedPostStartHook"
	return false
}

// preStop runs what a container is to do before it hears of its end, until the context is done. One that fails is told; the
// end goes on.
func (k *Kubelet) preStop(ctx context.Context, r *workload.Run, b backend, report reporter) {
	if r.Container.Lifecycle == nil || r.Container.Lifecycle.PreStop == nil {
		return
	}
	p := prober{run: r, backend: b}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // what ends by itself needs no hook any more
		select {
		case <-b.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := p.hook(ctx, r.Container.Lifecycle.PreStop); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		report(workload.Told, func(n *workload.Report) {
			n.Reason, n.Message = "FailedPreStopHook", "PreStopHook failed: "+err.Error()
		})
	}
}

// hook does what a handler says.
func (p prober) hook(ctx context.Context, h *corev1.LifecycleHandler) error {
	switch {
	case h.Sleep != nil:
		return sleep(ctx, time.Duration(h.Sleep.Seconds)*time.Second)
	case h.HTTPGet != nil:
		return p.httpGet(ctx, h.HTTPGet)
	case h.Exec != nil:
		if _, local := p.backend.(*commandBackend); local {
			return p.exec(ctx, h.Exec.Command)
		}
		outcome, err := sample.Script(h.Exec.Command)
		if err != nil {
			return notRun{err}
		}
		err = sleep(ctx, outcome.Sleep)
		if err == nil && outcome.Exit != 0 {
			err = fmt.Errorf("exit status %d", outcome.Exit)
		}
		return err
	case h.TCPSocket != nil:
		return errors.New("tcpSocket is no longer a hook")
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if !wait(ctx, d) {
		return ctx.Err()
	}
	return nil
}
