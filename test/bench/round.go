package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// contestant is a peer at work on one case.
type contestant struct {
	peer
	proc    *process
	backend *process
	callout *process
	setup   setup
	clients []*client
	samples []sample
	problem string
}

// sample is one measurement.
type sample struct {
	perSecond     float64
	cpuMicros     float64 // for each request, or handshake
	p50, p99, p9k time.Duration
	rss           int64
	failures      uint64
}

// runCase starts every peer, loads them in turn, and prints a table. It returns what that was made from.
func runCase(ctx context.Context, o options, c benchCase, peers []peer, work string) ([]*contestant, benchCase, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if most := c.most(); c.conns > most {
		fmt.Printf("(the limit of open files allows %d connections)\n\n", most)
		c.conns = most
	}
	dir := filepath.Join(work, c.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, c, err
	}
	pair, err := writeKeyPair(dir, c.rsa)
	if err != nil {
		return nil, c, err
	}
	if c.busy {
		loop, err := startSelf(ctx, "spin")
		if err != nil {
			return nil, c, err
		}
		defer loop.stop()
	}
	var field []*contestant
	for _, p := range peers {
		one := enter(ctx, o, p, c, filepath.Join(dir, p.name), pair)
		field = append(field, one)
		defer one.leave()
	}
	if c.kind == idle {
		o.rounds = 1
	}
	if c.half {
		c = halfOfSlowest(ctx, c, field, o.window)
	}
	if o.profile != "" {
		profileAll(ctx, o, c, field)
	}
	for round := range o.rounds {
		for i := range field {
			one := field[(round+i)%len(field)] // nobody is always the first
			if one.problem == "" && ctx.Err() == nil {
				one.measure(ctx, c, o.window)
			}
		}
	}
	report(os.Stdout, c, field)
	return field, c, ctx.Err()
}

// halfOfSlowest fixes the rate of a case after a round of saturation, which does not count.
func halfOfSlowest(ctx context.Context, c benchCase, field []*contestant, window time.Duration) benchCase {
	full := c
	full.kind = saturate
	slowest := 0.0
	for _, one := range field {
		if one.problem == "" {
			one.measure(ctx, full, window)
		}
		if n := len(one.samples); n > 0 && (slowest == 0 || one.samples[n-1].perSecond < slowest) {
			slowest = one.samples[n-1].perSecond
		}
		one.samples = nil
	}
	c.rate = max(int(slowest/2), 1)
	c.about += fmt.Sprintf(" (%d/s)", c.rate)
	return c
}

// profileAll profiles our own proxies in a round that does not count.
func profileAll(ctx context.Context, o options, c benchCase, field []*contestant) {
	for _, one := range field {
		if one.problem != "" || one.name != "spillway" {
			continue
		}
		done := make(chan error, 1)
		go func() { done <- profile(one.setup, o.window, filepath.Join(o.profile, c.name+".pprof")) }()
		one.measure(ctx, c, o.window)
		one.samples = nil
		if err := <-done; err != nil {
			one.problem = err.Error()
		}
	}
}

func startBackend(ctx context.Context, c benchCase) (*process, int, error) {
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	args := []string{"backend", "-listen", strconv.Itoa(port)}
	if c.http2Up {
		args = append(args, "-h2c")
	}
	if c.grpc {
		args = append(args, "-grpc")
	}
	p, err := startSelf(ctx, args...)
	if err != nil {
		return nil, 0, err
	}
	return p, port, p.waitListening(port)
}

// startCallout starts that of a case, if it has one.
func startCallout(ctx context.Context, c benchCase) (*process, int, error) {
	if c.callout == noCallout || c.callout == pluginHeaders {
		return nil, 0, nil
	}
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	p, err := startSelf(ctx, "callout", "-listen", strconv.Itoa(port), "-duplex="+strconv.FormatBool(c.callout == calloutDuplex))
	if err != nil {
		return nil, 0, err
	}
	return p, port, p.waitListening(port)
}

// enter starts a peer and a backend of its own; what goes wrong is the contestant's problem and not the run's.
func enter(ctx context.Context, o options, p peer, c benchCase, dir string, pair keyPair) *contestant {
	one := &contestant{peer: p, setup: setup{benchCase: c, Dir: dir, Pair: pair}}
	if err := one.start(ctx, o); err != nil {
		one.problem = err.Error()
	}
	return one
}

func (one *contestant) start(ctx context.Context, o options) (err error) {
	s := &one.setup
	if err = os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	if one.backend, s.Backend, err = startBackend(ctx, s.benchCase); err != nil {
		return err
	}
	for _, port := range []*int{&s.Listen, &s.Admin} {
		if *port, err = freePort(); err != nil {
			return err
		}
	}
	if one.callout, s.Callout, err = startCallout(ctx, s.benchCase); err != nil {
		return err
	}
	one.proc, err = launch(ctx, o, one.peer, *s)
	return err
}

func (one *contestant) leave() {
	for _, p := range []*process{one.proc, one.backend, one.callout} {
		if p != nil {
			p.stop()
		}
	}
}

// warmUp is the most that precedes a measurement of a closed loop; half of the window is enough for short ones.
const warmUp = time.Second

func (one *contestant) measure(ctx context.Context, c benchCase, window time.Duration) {
	if err := one.try(ctx, c, window); err != nil {
		one.problem = err.Error()
	}
}

func (one *contestant) try(ctx context.Context, c benchCase, window time.Duration) error {
	external := c.http2 || c.kind == handshakes || c.kind == churn
	if !external {
		clients, err := dialAll(ctx, c, one.setup.Listen)
		if err != nil {
			return err
		}
		defer closeAll(clients)
		one.clients = clients
		if c.kind == saturate {
			// Until pools, heaps and the kernel's windows have grown to the load.
			closedLoop(ctx, c, clients, min(warmUp, window/2))
		}
	}
	before := one.proc.usage()
	r, err := one.load(ctx, c, window)
	if err != nil {
		return err
	}
	after := one.proc.usage()
	s := sample{rss: after.rss, failures: r.failures}
	if r.requests > 0 {
		s.perSecond = float64(r.requests) / r.elapsed.Seconds()
		s.cpuMicros = float64((after.cpu - before.cpu).Microseconds()) / float64(r.requests)
	}
	if r.latency != nil {
		s.p50, s.p99, s.p9k = r.latency.quantile(0.5), r.latency.quantile(0.99), r.latency.quantile(0.999)
	}
	one.samples = append(one.samples, s)
	if r.requests == 0 && c.kind != idle {
		return errors.New("no request was answered")
	}
	if exited(one.proc.cmd.Process.Pid) {
		return fmt.Errorf("ended during the run: %s", one.proc.log.String())
	}
	return nil
}

func (one *contestant) load(ctx context.Context, c benchCase, window time.Duration) (result, error) {
	switch {
	case c.http2:
		return h2loadRun(ctx, c, one.setup.Listen, window, one.setup.Dir)
	case c.kind == handshakes || c.kind == churn:
		return connectionLoop(ctx, c, one.setup.Listen, window), nil
	case c.kind == fixedRate:
		return openLoop(ctx, c, one.clients, window), nil
	case c.kind == idle:
		pause(window)
		return result{elapsed: window}, nil
	}
	return closedLoop(ctx, c, one.clients, window), nil
}
