package main

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// openLoop sends at a rate whatever the answers do. A request's latency counts from when it was meant to be sent, so a
// proxy that stalls pays for every request that had to wait.
func openLoop(ctx context.Context, c benchCase, clients []*client, window time.Duration) result {
	r := result{latency: new(latencies)}
	free := make(chan *client, len(clients))
	begun := make([]chan struct{}, len(clients))
	var done, failures atomic.Uint64
	for i, one := range clients {
		begun[i] = make(chan struct{}, 1)
		go func() {
			for range begun[i] {
				if one.receive() != nil {
					failures.Add(1)
					return
				}
				r.latency.add(time.Since(one.intended))
				done.Add(1)
				free <- one
			}
		}()
		free <- one
	}
	index := make(map[*client]int, len(clients))
	for i, one := range clients {
		index[one] = i
	}
	begin := time.Now()
	sent := pace(ctx, c.rate, window, begin, free, func(one *client) {
		begun[index[one]] <- struct{}{}
	})
	for end := time.Now().Add(5 * time.Second); done.Load()+failures.Load() < sent && time.Now().Before(end); {
		pause(time.Millisecond)
	}
	r.elapsed = time.Since(begin)
	for i := range begun {
		close(begun[i])
	}
	r.requests = done.Load()
	r.failures = sent - r.requests
	return r
}

// pace sends on a thread of its own: the runtime's timers are too coarse below a millisecond.
func pace(ctx context.Context, rate int, window time.Duration, begin time.Time, free chan *client, sent func(*client)) uint64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	interval := time.Second / time.Duration(rate)
	n := uint64(0)
	for ; time.Duration(n)*interval < window && ctx.Err() == nil; n++ {
		intended := begin.Add(time.Duration(n) * interval)
		if wait := time.Until(intended); wait > 0 {
			ts := unix.NsecToTimespec(wait.Nanoseconds())
			_ = unix.Nanosleep(&ts, nil)
		}
		var one *client
		select {
		case one = <-free:
		case <-time.After(5 * time.Second):
			return n
		}
		one.intended = intended
		if _, err := one.conn.Write(one.request); err != nil {
			return n
		}
		sent(one)
	}
	return n
}
