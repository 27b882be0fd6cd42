package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/spillway-lb/spillway/internal/standalone/sample"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

const (
	// eagerPeriod is the time between probes until the first success; Kubernetes waits a whole period.
	eagerPeriod    = 100 * time.Millisecond
	defaultTimeout = time.Second // Kubernetes' default
)

// prober watches one container.
type prober struct {
	run     *workload.Run
	backend backend
}

// probe reports what probes find out about a container until the context ends. Until its startup probe has come out well
// nothing else is asked. A container without a readiness probe is ready as soon as it runs; a command that names a port, as
// soon as that accepts connections. It says into failed why a container is to be restarted.
func (k *Kubelet) probe(ctx context.Context, r *workload.Run, b backend, report reporter, failed chan<- string) {
	p := prober{run: r, backend: b}
	var all sync.WaitGroup
	defer all.Wait()
	listening := make(chan struct{})
	command, local := b.(*commandBackend)
	named := local && len(r.Container.Ports) > 0
	if local {
		all.Go(func() {
			if p.awaitListening(ctx, command, k.options.Patience) {
				report(workload.Listening, nil)
				close(listening)
			}
		})
	}
	if !p.startUp(ctx, report, failed) {
		return
	}
	all.Go(func() { p.live(ctx, report, failed) })
	switch spec := r.Container.ReadinessProbe; {
	case spec != nil:
		if wait(ctx, time.Duration(spec.InitialDelaySeconds)*time.Second) {
			p.ready(ctx, spec, report)
		}
	case named:
		select {
		case <-listening:
			report(workload.Ready, nil)
		case <-ctx.Done():
		}
	default:
		report(workload.Ready, nil)
	}
}

// awaitListening returns false if the context ends before the command accepts connections. A port that its container
// does not name is a guess: a command that does not listen there for so long listens elsewhere.
func (p prober) awaitListening(ctx context.Context, command *commandBackend, patience time.Duration) bool {
	guess, cancel := ctx, func() {}
	if command.guessed {
		guess, cancel = context.WithTimeout(ctx, patience)
	}
	defer cancel()
	return p.awaitPort(guess, command.port) || ctx.Err() == nil
}

// awaitPort returns false if the context ends before the port accepts connections.
func (p prober) awaitPort(ctx context.Context, port uint16) bool {
	for {
		attempt, cancel := context.WithTimeout(ctx, defaultTimeout)
		err := p.connect(attempt, port)
		cancel()
		if err == nil {
			return true
		}
		if !wait(ctx, eagerPeriod) {
			return false
		}
	}
}

// ready runs the readiness probe. Until the first success it asks more often than it is told to.
func (p prober) ready(ctx context.Context, spec *corev1.Probe, report reporter) {
	v := newVerdict(spec, false)
	for ctx.Err() == nil {
		err := p.check(ctx, spec)
		if ctx.Err() != nil {
			return
		}
		switch v.take(err == nil) {
		case passes:
			report(workload.Listening, nil) // where the probe asks, which need not be PORT
			report(workload.Ready, nil)
		case fails:
			report(workload.Unready, func(n *workload.Report) { n.Message = err.Error() })
		case same:
		}
		next := period(spec)
		if !v.good {
			next = min(next, eagerPeriod)
		}
		if !wait(ctx, next) {
			return
		}
	}
}

// live runs the liveness probe until it fails.
func (p prober) live(ctx context.Context, report reporter, failed chan<- string) {
	spec := p.run.Container.LivenessProbe
	if spec == nil || !wait(ctx, time.Duration(spec.InitialDelaySeconds)*time.Second) {
		return
	}
	v := newVerdict(spec, true)
	for ctx.Err() == nil {
		err := p.check(ctx, spec)
		if ctx.Err() != nil {
			return
		}
		change := v.take(err == nil)
		if err != nil {
			report(workload.Told, func(n *workload.Report) { n.Reason, n.Message = "Unhealthy", "Liveness probe failed: "+err.Error() })
		}
		if change == fails {
			failed <- "Container " + p.run.Container.Name + " failed liveness probe, will be restarted"
			return
		}
		if !wait(ctx, period(spec)) {
			return
		}
	}
}

// startUp runs the startup probe; it returns true when the container has started. It asks more often than it is told to, and
// gives it as long as it is told to.
func (p prober) startUp(ctx context.Context, report reporter, failed chan<- string) bool {
	spec := p.run.Container.StartupProbe
	if spec == nil {
		return true
	}
	if !wait(ctx, time.Duration(spec.InitialDelaySeconds)*time.Second) {
		return false
	}
	every := min(period(spec), eagerPeriod)
	v := newVerdict(spec, false)
	v.failureLimit *= int(period(spec) / every)
	for ctx.Err() == nil {
		err := p.check(ctx, spec)
		if ctx.Err() != nil {
			return false
		}
		switch v.take(err == nil) {
		case passes:
			report(workload.StartedUp, nil)
			return true
		case fails:
			report(workload.Told, func(n *workload.Report) { n.Reason, n.Message = "Unhealthy", "Startup probe failed: "+err.Error() })
			failed <- "Container " + p.run.Container.Name + " failed startup probe, will be restarted"
			return false
		case same:
		}
		if !wait(ctx, every) {
			return false
		}
	}
	return false
}

// wait returns false if the context ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p prober) check(ctx context.Context, spec *corev1.Probe) error {
	timeout := defaultTimeout
	if spec.TimeoutSeconds > 0 {
		timeout = time.Duration(spec.TimeoutSeconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch {
	case spec.HTTPGet != nil:
		return p.httpGet(ctx, spec.HTTPGet)
	case spec.TCPSocket != nil:
		return p.connectTo(ctx, spec.TCPSocket.Port)
	case spec.GRPC != nil:
		return p.grpc(ctx, spec.GRPC)
	case spec.Exec != nil:
		return p.exec(ctx, spec.Exec.Command)
	}
	return nil
}

// number resolves a port of the container by number or name.
func (p prober) number(port intstr.IntOrString) (uint16, error) {
	if port.Type == intstr.Int {
		return uint16(port.IntVal), nil
	}
	for _, c := range p.run.Container.Ports {
		if c.Name == port.StrVal {
			return uint16(c.ContainerPort), nil
		}
	}
	return 0, fmt.Errorf("couldn't find port: %s", port.StrVal)
}

func (p prober) connectTo(ctx context.Context, port intstr.IntOrString) error {
	number, err := p.number(port)
	if err != nil {
		return err
	}
	return p.connect(ctx, number)
}

func (p prober) connect(ctx context.Context, port uint16) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.backend.Dial(port))
	if err != nil {
		return err
	}
	return conn.Close()
}

func (p prober) httpGet(ctx context.Context, get *corev1.HTTPGetAction) error {
	port, err := p.number(get.Port)
	if err != nil {
		return err
	}
	scheme := strings.ToLower(orElse(string(get.Scheme), "http"))
	url := scheme + "://" + p.backend.Dial(port) + "/" + strings.TrimPrefix(get.Path, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	for _, h := range get.HTTPHeaders {
		if strings.EqualFold(h.Name, "Host") {
			request.Host = h.Value
		}
		request.Header.Set(h.Name, h.Value)
	}
	client := http.Client{
		// Certificates of Pods are not checked, as by the kubelet.
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode < 200 || answer.StatusCode >= 400 {
		return errors.New("HTTP probe failed with statuscode: " + strconv.Itoa(answer.StatusCode))
	}
	return nil
}

// exec runs the command on this machine, where and with what the container runs. Of an image that is built in there is nothing to run it in: what Script knows counts,
// and anything else succeeds.
func (p prober) exec(ctx context.Context, command []string) error {
	local, ok := p.backend.(*commandBackend)
	if !ok || len(command) == 0 {
		if outcome, err := sample.Script(command); err == nil && outcome.Exit != 0 {
			return fmt.Errorf("exit status %d", outcome.Exit)
		}
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = local.spec.Dir
	cmd.Env = append(cmd.Environ(), local.spec.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
