// Command soak runs the data plane at full load while everything under it changes, for a bounded time.
//
// In: -duration. Out: one line each few seconds, a summary, and an exit status: 0 when no request failed and memory
// stayed flat. Clients speak HTTP/1.1, HTTP/1.1 over TLS and HTTP/2 over TLS; meanwhile routes, endpoints and
// certificates are added, replaced and removed many times a second. Traffic stays on 127.0.0.1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy"
)

func main() {
	duration := flag.Duration("duration", time.Minute, "how long")
	clients := flag.Int("clients", 16, "clients of each of the three kinds")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := soak(ctx, *duration, *clients); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// reportEvery is the interval of progress lines, and of memory readings.
const reportEvery = 5 * time.Second

func soak(ctx context.Context, duration time.Duration, clients int) error {
	p := proxy.New(proxy.Config{})
	defer func() { _ = p.Close() }()
	s, err := newStage(p)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	load := startLoad(ctx, s, clients)
	churned := make(chan error, 1)
	go func() { churned <- s.churn(ctx) }()
	memory := watch(ctx, load, s)
	churnErr := <-churned
	load.wait()
	fmt.Printf("%d requests, %d failed, %d changes\n", load.requests.Load(), load.failures.Load(), s.changes.Load())
	return errors.Join(churnErr, load.verdict(), memory.verdict())
}

// watch prints progress and reads memory until the time is up.
func watch(ctx context.Context, l *load, s *stage) *memory {
	m := new(memory)
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return m
		case <-ticker.C:
			m.read()
			fmt.Printf("%d requests, %d failed, %d changes, %d MiB live heap, %d goroutines\n", l.requests.Load(),
				l.failures.Load(), s.changes.Load(), m.heap[len(m.heap)-1]>>20, runtime.NumGoroutine())
		}
	}
}

// memory is the live heap over time, after a collection each.
type memory struct{ heap []uint64 }

func (m *memory) read() {
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.heap = append(m.heap, stats.HeapAlloc)
}

// Memory is flat when the last third's mean is within growth of the second third's, or within slack bytes.
const (
	growth = 1.15
	slack  = 4 << 20
)

func (m *memory) verdict() error {
	third := len(m.heap) / 3
	if third == 0 {
		return nil
	}
	middle, last := mean(m.heap[third:2*third]), mean(m.heap[2*third:])
	if last > middle*growth && last > middle+slack {
		return fmt.Errorf("the live heap grew from %.1f to %.1f MiB", middle/(1<<20), last/(1<<20))
	}
	return nil
}

func mean(values []uint64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v)
	}
	return sum / float64(len(values))
}
