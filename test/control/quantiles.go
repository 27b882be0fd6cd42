package main

import (
	"fmt"
	"slices"
	"time"
)

// quantiles sums up durations.
type quantiles struct{ p50, p99 time.Duration }

func quantilesOf(d []time.Duration) quantiles {
	slices.Sort(d)
	return quantiles{p50: d[len(d)/2], p99: d[len(d)*99/100]}
}

func (q quantiles) String() string {
	return fmt.Sprintf("%.1f / %.1f", float64(q.p50)/1e6, float64(q.p99)/1e6)
}
