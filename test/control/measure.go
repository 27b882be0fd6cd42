package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/test/serving"
)

// warmUp is the number of edits before the first series.
const warmUp = 5

// bench is one running measurement.
type bench struct {
	directory directory
	editor    *client
	version   int
	service   []int // of each edited route
	unused    int   // next service that was never used
	wrong     atomic.Int64
}

func measure(ctx context.Context, binary string, routes int, layout string, edits int) (*row, error) {
	ports, stop, err := startBackends(20)
	if err != nil {
		return nil, err
	}
	defer stop()
	path, err := os.MkdirTemp("", "spillway-control-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(path)
	d := directory{path: path, layout: layout, routes: routes, ports: ports}
	fmt.Fprintf(os.Stderr, "%d routes, layout %s: writing files\n", routes, layout)
	if err := d.write(); err != nil {
		return nil, err
	}
	began := time.Now()
	server, err := serving.Start(ctx, binary, path)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	waiting, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	url, err := server.URL(waiting, "default", "bench")
	if err != nil {
		return nil, err
	}
	b := &bench{directory: d, editor: newClient(url, d), service: make([]int, routes), unused: steadyServices}
	for i := range b.service {
		b.service[i] = i % steadyServices
	}
	if _, err := b.editor.until(waiting, routes-1, seen{}, b.expected(routes-1, 0)); err != nil {
		return nil, err
	}
	r := &row{routes: routes, layout: layout, load: time.Since(began)}
	r.bytesPerRoute = residentBytes(server.PID()) / routes
	return r, b.edits(ctx, r, edits)
}

// edits makes the three series of edits while a second client watches the routes that nobody edits.
func (b *bench) edits(ctx context.Context, r *row, n int) (err error) {
	watching, stopWatching := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { b.watch(watching); close(watched) }()
	defer func() { stopWatching(); <-watched; r.wrong = b.wrong.Load() }()

	// Right after the load the server still writes the statuses of all routes; these edits are not counted.
	if _, err = b.series(ctx, warmUp, false); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "  editing rules")
	if r.idle, err = b.series(ctx, n, false); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "  bringing backends into use")
	if r.unused, err = b.series(ctx, n, true); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "  editing rules while endpoints change")
	churning, stopChurn := context.WithCancel(ctx)
	defer stopChurn()
	go b.churn(churning)
	r.churned, err = b.series(ctx, n, false)
	return err
}

// series edits routes of the first half of the directory, one after the other.
func (b *bench) series(ctx context.Context, n int, newBackend bool) (quantiles, error) {
	var took []time.Duration
	for k := range n {
		i := k * 7 % (b.directory.routes / 2)
		old := b.expected(i, b.versionOf(ctx, i))
		b.version++
		if newBackend {
			if b.unused == steadyServices+unusedServices {
				return quantiles{}, fmt.Errorf("-edits: at most %d", unusedServices)
			}
			b.service[i] = b.unused
			b.unused++
		}
		if err := b.directory.writeRoute(i, b.version, b.service[i]); err != nil {
			return quantiles{}, err
		}
		began := time.Now()
		wrong, err := b.editor.until(ctx, i, old, b.expected(i, b.version))
		if err != nil {
			return quantiles{}, err
		}
		b.wrong.Add(wrong)
		took = append(took, time.Since(began))
	}
	return quantilesOf(took), nil
}

func (b *bench) versionOf(ctx context.Context, i int) int {
	s, err := b.editor.ask(ctx, i)
	if err != nil {
		return -1
	}
	return s.version
}

func (b *bench) expected(i, version int) seen {
	return seen{status: 200, version: version, backend: b.directory.ports[b.service[i]%len(b.directory.ports)]}
}

// watch asks for routes of the second half, which nobody edits.
func (b *bench) watch(ctx context.Context) {
	c := newClient(b.editor.url, b.directory)
	half := b.directory.routes / 2
	for n := 0; ctx.Err() == nil; n++ {
		i := half + n*13%(b.directory.routes-half)
		got, err := c.ask(ctx, i)
		want := seen{status: 200, backend: b.directory.ports[i%steadyServices%len(b.directory.ports)]}
		if ctx.Err() == nil && (err != nil || got != want) {
			b.wrong.Add(1)
			fmt.Fprintf(os.Stderr, "  route %d: %+v, want %+v (%v)\n", i, got, want, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// churn changes the endpoints of a service 100 times a second.
func (b *bench) churn(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := b.directory.writeService(churnService(n), 1+n/churnServices%3); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// residentBytes is the resident set of a process, 0 where /proc does not tell.
func residentBytes(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
