package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/test/serving"
)

// Report is the outcome.
type Report struct {
	// Sent are the requests, Late those that were due and not sent when it ended, because too many waited for an answer.
	Sent, Late int
	// Reopened are those that went out again because the server had ended the kept connection before it read them.
	Reopened int
	// Failed are the requests that were not answered by 200, by what became of them.
	Failed map[string]int
	// Pods are those that answered.
	Pods int
	// Gated are the Pods with a readiness gate.
	Gated int
	// Took is how long the rolling update took.
	Took time.Duration
}

// Failures counts them.
func (r *Report) Failures() int {
	n := 0
	for _, count := range r.Failed {
		n += count
	}
	return n
}

func (r *Report) String() string {
	text := fmt.Sprintf("%d requests in %v, %.0f a second, by %d Pods (%d with a gate): %d failed",
		r.Sent, r.Took.Round(100*time.Millisecond), float64(r.Sent)/r.Took.Seconds(), r.Pods, r.Gated, r.Failures())
	for what, n := range r.Failed {
		text += fmt.Sprintf("\n\t%d: %s", n, what)
	}
	if r.Reopened > 0 {
		text += fmt.Sprintf("\n\t%d were sent again: their connection had been ended", r.Reopened)
	}
	if r.Late > 0 {
		text += fmt.Sprintf("\n\t%d were not sent: too many waited", r.Late)
	}
	return text
}

// Run serves a directory, waits until all Pods of the first version serve, and updates them to the second one under load.
func Run(ctx context.Context, binary, dir string, plan Plan) (*Report, error) {
	for file, text := range plan.files() {
		if err := serving.Write(filepath.Join(dir, file), text); err != nil {
			return nil, err
		}
	}
	server, err := serving.Start(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	address, err := server.URL(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	if err := settled(ctx, server, plan.Replicas, 1); err != nil {
		return nil, err
	}
	l, err := loadOf(address)
	if err != nil {
		return nil, err
	}
	if err := eventually(ctx, l.once); err != nil {
		return nil, err
	}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(loading, plan.Rate)
	}()
	began := time.Now()
	if err := serving.Write(filepath.Join(dir, "deployment.yaml"), plan.deployment(2)); err != nil {
		return nil, err
	}
	err = settled(ctx, server, plan.Replicas, 2)
	took := time.Since(began)
	stop()
	<-done
	report := &Report{Sent: l.sent, Late: l.late, Reopened: l.reopened, Failed: l.failed, Pods: len(l.pods), Took: took}
	if err != nil {
		return report, err
	}
	report.Gated, err = gated(ctx, server)
	return report, err
}

// loadOf asks http://HOST:PORT/.
func loadOf(address string) (*load, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("%q is not http://HOST:PORT (%v)", address, err)
	}
	if u.Port() == "" {
		u.Host += ":80"
	}
	return newLoad(u.Host), nil
}

// settled waits until all Pods of a version, and none other, are there and available.
func settled(ctx context.Context, server *serving.Server, replicas, version int) error {
	return eventually(ctx, func() error {
		var d appsv1.Deployment
		if err := get(ctx, server, &d, "get", "deployment", name, "-n", namespace, "-o", "json"); err != nil {
			return err
		}
		want := int32(replicas)
		s := d.Status
		if d.Annotations["deployment.kubernetes.io/revision"] != fmt.Sprint(version) || s.UpdatedReplicas != want || s.Replicas != want || s.AvailableReplicas != want {
			return fmt.Errorf("the Deployment is at revision %s with %+v", d.Annotations["deployment.kubernetes.io/revision"], s)
		}
		pods, err := pods(ctx, server)
		if err == nil && len(pods) != replicas {
			err = fmt.Errorf("%d Pods, some on their way out", len(pods))
		}
		return err
	})
}

// gated counts the Pods with a readiness gate.
func gated(ctx context.Context, server *serving.Server) (int, error) {
	all, err := pods(ctx, server)
	n := 0
	for i := range all {
		if len(all[i].Spec.ReadinessGates) > 0 {
			n++
		}
	}
	return n, err
}

func pods(ctx context.Context, server *serving.Server) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := get(ctx, server, &list, "get", "pods", "-n", namespace, "-o", "json")
	return list.Items, err
}

func get(ctx context.Context, server *serving.Server, into any, args ...string) error {
	out, err := server.Command(ctx, args...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// eventually waits until f has no error, or the context ends.
func eventually(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
