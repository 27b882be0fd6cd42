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

	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

const (
	// eagerPeriod is the time between probes until the first success; Kubernetes waits a whole period.
	eagerPeriod = 100 * time.Millisecond
	// Kubernetes' defaults.
	defaultPeriod  = 10 * time.Second
	defaultTimeout = time.Second
	defaultFailure = 3
)

// prober watches one container's readiness.
type prober struct {
	run     *workload.Run
	backend backend
	spec    *corev1.Probe // nil: none
}

// probe reports each change of a container's readiness until the context ends. A container without a readiness probe is
// ready as soon as it runs; a command that names a port, as soon as that accepts connections.
func (k *Kubelet) probe(
	ctx context.Context, r *workload.Run, b backend, report func(workload.Event, func(*workload.Report)),
) {
	p := prober{run: r, backend: b, spec: r.Container.ReadinessProbe}
	command, local := b.(*commandBackend)
	named := local && len(r.Container.Ports) > 0
	if p.spec == nil && !named {
		report(workload.Ready, nil)
	}
	var port sync.WaitGroup
	defer port.Wait()
	if local {
		port.Go(func() {
			if !p.awaitListening(ctx, command, k.options.Patience) {
				return
			}
			report(workload.Listening, nil)
			if p.spec == nil && named {
				report(workload.Ready, nil)
			}
		})
	}
	if p.spec != nil && wait(ctx, time.Duration(p.spec.InitialDelaySeconds)*time.Second) {
		p.watch(ctx, report)
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

// watch runs the readiness probe.
func (p prober) watch(ctx context.Context, report func(workload.Event, func(*workload.Report))) {
	ready, failures, successes := false, 0, 0
	period, failureLimit, successLimit := p.limits()
	for ctx.Err() == nil {
		err := p.check(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			failures, successes = 0, successes+1
		} else {
			failures, successes = failures+1, 0
		}
		switch {
		case !ready && successes >= successLimit:
			ready = true
			report(workload.Listening, nil) // where the probe asks, which need not be PORT
			report(workload.Ready, nil)
		case failures == failureLimit:
			ready = false
			report(workload.Unready, func(n *workload.Report) { n.Message = err.Error() })
		}
		next := period
		if !ready {
			next = min(period, eagerPeriod)
		}
		if !wait(ctx, next) {
			return
		}
	}
}

func (p prober) limits() (period time.Duration, failures, successes int) {
	period, failures, successes = defaultPeriod, defaultFailure, 1
	if p.spec.PeriodSeconds > 0 {
		period = time.Duration(p.spec.PeriodSeconds) * time.Second
	}
	if p.spec.FailureThreshold > 0 {
		failures = int(p.spec.FailureThreshold)
	}
	if p.spec.SuccessThreshold > 0 {
		successes = int(p.spec.SuccessThreshold)
	}
	return period, failures, successes
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

func (p prober) check(ctx context.Context) error {
	timeout := defaultTimeout
	if p.spec.TimeoutSeconds > 0 {
		timeout = time.Duration(p.spec.TimeoutSeconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch {
	case p.spec.HTTPGet != nil:
		return p.httpGet(ctx, p.spec.HTTPGet)
	case p.spec.TCPSocket != nil:
		return p.connectTo(ctx, p.spec.TCPSocket.Port)
	case p.spec.GRPC != nil:
		return p.connectTo(ctx, intstr.FromInt32(p.spec.GRPC.Port))
	case p.spec.Exec != nil:
		return p.exec(ctx, p.spec.Exec.Command)
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

// exec runs the command on this machine. There is nothing to run it in if the image is built in: it succeeds.
func (p prober) exec(ctx context.Context, command []string) error {
	if _, local := p.backend.(*commandBackend); !local || len(command) == 0 {
		return nil
	}
	vars := variables(p.run)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = cmd.Environ()
	for name, value := range vars {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
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
