package controlplane

import (
	"sync"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/store"
)

// feedback gathers what data planes say until the loop takes it.
type feedback struct {
	news chan struct{} // receives after something was gathered

	mu       sync.Mutex
	events   []event
	open     map[string]int // by region, how many data planes it has
	verdicts map[store.Fact]any
}

// event is one word about a location.
type event struct {
	kind     eventKind
	location string
	report   location.Report
	last     bool // its region has no data plane any more
}

type eventKind uint8

const (
	opened eventKind = iota
	closed
	reported
)

func newFeedback() *feedback {
	return &feedback{news: make(chan struct{}, 1), open: map[string]int{}, verdicts: map[store.Fact]any{}}
}

func (f *feedback) add(e event) {
	f.mu.Lock()
	switch e.kind {
	case opened:
		f.open[location.Region(e.location)]++
	case closed:
		region := location.Region(e.location)
		if f.open[region]--; f.open[region] == 0 {
			delete(f.open, region)
			f.dropVerdicts(region)
			e.last = true
		}
	}
	f.events = append(f.events, e)
	f.mu.Unlock()
	f.wake()
}

func (f *feedback) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// takeEvents returns what was said since the last call, in order.
func (f *feedback) takeEvents() []event {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := f.events
	f.events = nil
	return events
}

// takeVerdicts returns the newest verdicts since the last call.
func (f *feedback) takeVerdicts() map[store.Fact]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	verdicts := f.verdicts
	f.verdicts = map[store.Fact]any{}
	return verdicts
}

func (f *feedback) anyVerdicts() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.verdicts) > 0
}

// Opened says that there is a data plane of a name (location.Name).
func (l *Loop) Opened(at string) { l.feedback.add(event{kind: opened, location: at}) }

// Closed says that it is gone.
func (l *Loop) Closed(at string) { l.feedback.add(event{kind: closed, location: at}) }

// Report says how far a data plane has come.
func (l *Loop) Report(r location.Report) {
	l.feedback.add(event{kind: reported, location: r.Location, report: r})
}

// Verdict says what is thought of an endpoint in a region that has data planes; gone: that it is not probed there any longer.
func (l *Loop) Verdict(at string, v health.Verdict, gone bool) {
	f := fact.Health(fact.Probe{Location: at, Check: v.Check, Endpoint: v.Address})
	var value any
	if !gone {
		value = fact.Verdict{State: v.State, Detail: v.Detail}
	}
	l.feedback.judge(at, f, value)
}

// judge takes a verdict of a region that has a data plane.
func (f *feedback) judge(at string, verdict store.Fact, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[at] > 0 {
		f.verdicts[verdict] = value
		f.wake()
	}
}

// forget withdraws what is known of a region whose last data plane went. What another one has said there since counts.
func (f *feedback) forget(at string, known []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range known {
		p, ok := fact.ProbeOf(key)
		if _, said := f.verdicts[fact.Health(p)]; ok && p.Location == at && !said {
			f.verdicts[fact.Health(p)] = nil
		}
	}
}

// dropVerdicts drops what was said of a region and nobody has taken.
func (f *feedback) dropVerdicts(at string) {
	for verdict := range f.verdicts {
		if p, ok := fact.ProbeOf(verdict.Key); ok && p.Location == at {
			delete(f.verdicts, verdict)
		}
	}
}
