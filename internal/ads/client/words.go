package client

import (
	"slices"
	"strings"
	"sync"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
)

// words gathers what the data plane says until a stream takes it. It is safe for concurrent use.
type words struct {
	news chan struct{} // receives after something was gathered

	mu       sync.Mutex
	report   *location.Report
	verdicts map[wire.Probe]health.Verdict
	// unsaid are the verdicts that the stream has not taken.
	unsaid map[wire.Probe]struct{}
}

func newWords() *words {
	return &words{news: make(chan struct{}, 1), verdicts: map[wire.Probe]health.Verdict{}, unsaid: map[wire.Probe]struct{}{}}
}

func (w *words) wake() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

func (w *words) setReport(r location.Report) {
	w.mu.Lock()
	w.report = &r
	w.mu.Unlock()
	w.wake()
}

func (w *words) setVerdict(v health.Verdict, gone bool) {
	at := wire.ProbeOf(v)
	w.mu.Lock()
	if gone {
		delete(w.verdicts, at)
	} else {
		w.verdicts[at] = v
	}
	w.unsaid[at] = struct{}{}
	w.mu.Unlock()
	w.wake()
}

// last is the last report; ok is false before the first.
func (w *words) last() (r location.Report, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.report == nil {
		return location.Report{}, false
	}
	return *w.report, true
}

// restart makes everything unsaid: another controller listens.
func (w *words) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.unsaid)
	for at := range w.verdicts {
		w.unsaid[at] = struct{}{}
	}
	w.wake()
}

// takeVerdicts returns those that are unsaid, in order.
func (w *words) takeVerdicts() []*fleetv1.Verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*fleetv1.Verdict
	for at := range w.unsaid {
		v, known := w.verdicts[at]
		if !known {
			v = health.Verdict{Check: at.Check, Address: at.Endpoint}
		}
		out = append(out, wire.FromVerdict(v, !known))
	}
	clear(w.unsaid)
	slices.SortFunc(out, func(a, b *fleetv1.Verdict) int {
		return strings.Compare(a.GetCheck()+a.GetEndpoint(), b.GetCheck()+b.GetEndpoint())
	})
	return out
}
