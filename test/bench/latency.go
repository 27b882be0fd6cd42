package main

import (
	"math/bits"
	"sync"
	"time"
)

// latencies is a log-linear histogram of nanoseconds: 32 buckets for each power of two, 3 % wide.
type latencies struct {
	mu     sync.Mutex
	counts [64 * 32]uint64
	total  uint64
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	l.counts[latencyBucket(uint64(max(d, 1)))]++
	l.total++
	l.mu.Unlock()
}

func latencyBucket(ns uint64) int {
	octave := bits.Len64(ns) - 1
	if octave < 5 {
		return int(ns)
	}
	return octave*32 + int(ns>>(octave-5)&31)
}

// quantile gives the lower bound of the bucket.
func (l *latencies) quantile(q float64) time.Duration {
	rank := uint64(q * float64(l.total))
	var seen uint64
	for i, n := range l.counts {
		if seen += n; n > 0 && seen > rank {
			if i < 32 {
				return time.Duration(i)
			}
			octave := i / 32
			return time.Duration(1<<octave + uint64(i%32)<<(octave-5))
		}
	}
	return 0
}
