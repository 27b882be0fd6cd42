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
	open     map[string]bool // by location
	verdicts map[store.Fact]any
}

// event is one word about a location.
type event struct {
	kind     eventKind
	location string
	report   location.Report
}

type eventKind uint8

const (
	opened eventKind = iota
	closed
	reported
)

func newFeedback() *feedback {
	return &feedback{news: make(chan struct{}, 1), open: map[string]bool{}, verdicts: map[store.Fact]any{}}
}

func (f *feedback) add(e event) {
	f.mu.Lock()
	f.events = append(f.events, e)
	switch e.kind {
	case opened:
		f.open[e.location] = true
	case closed:
		delete(f.open, e.location)
	}
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

// Opened says that a location has a proxy.
func (l *Loop) Opened(at string) { l.feedback.add(event{kind: opened, location: at}) }

// Closed says that a location has none any more.
func (l *Loop) Closed(at string) { l.feedback.add(event{kind: closed, location: at}) }

// Report says how far a location has come.
func (l *Loop) Report(r location.Report) {
	l.feedback.add(event{kind: reported, location: r.Location, report: r})
}

// Verdict says what a location's prober thinks of an endpoint; gone: that it probes it no longer.
func (l *Loop) Verdict(at string, v health.Verdict, gone bool) {
	f := fact.Health(fact.Probe{Location: at, Check: v.Check, Endpoint: v.Address})
	var value any
	if !gone {
		value = fact.Verdict{State: v.State, Detail: v.Detail}
	}
	l.feedback.judge(at, f, value)
}

// judge takes a verdict of a location that has a proxy.
func (f *feedback) judge(at string, verdict store.Fact, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[at] {
		f.verdicts[verdict] = value
		f.wake()
	}
}

// forget withdraws the verdicts of a location that has no proxy any more.
func (f *feedback) forget(at string, known []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range known {
		if p, ok := fact.ProbeOf(key); ok && p.Location == at {
			f.verdicts[fact.Health(p)] = nil
		}
	}
	for verdict := range f.verdicts {
		if p, ok := fact.ProbeOf(verdict.Key); ok && p.Location == at && !f.open[at] {
			f.verdicts[verdict] = nil
		}
	}
}
