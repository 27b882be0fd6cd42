package controlplane

import (
	"cmp"
	"slices"
	"sync"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/store"
)

// feedback gathers what data planes say until the loop takes it. It holds what is new of each once, however long the loop takes and however
// much they say.
type feedback struct {
	news chan struct{} // receives after something was gathered

	mu       sync.Mutex
	untold   map[string]*untold // by location.Name
	judges   judges
	verdicts map[store.Fact]any
}

// untold is what the loop does not know of a data plane: that it is gone, that one is there, and its last word, in this order.
type untold struct {
	closed, opened bool
	report         *location.Report
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
	return &feedback{news: make(chan struct{}, 1), untold: map[string]*untold{}, judges: judges{}, verdicts: map[store.Fact]any{}}
}

// of returns what is untold of a data plane.
func (f *feedback) of(name string) *untold {
	u := f.untold[name]
	if u == nil {
		u = &untold{}
		f.untold[name] = u
	}
	return u
}

func (f *feedback) open(name string) {
	f.mu.Lock()
	f.judges.open(name)
	f.of(name).opened = true
	f.mu.Unlock()
	f.wake()
}

func (f *feedback) close(name string) {
	f.mu.Lock()
	for _, r := range f.judges.close(name) {
		f.rule(location.Region(name), r)
	}
	switch u := f.of(name); {
	case !u.opened:
		*u = untold{closed: true}
	case u.closed:
		u.opened, u.report = false, nil
	default:
		delete(f.untold, name) // it came and went
	}
	f.mu.Unlock()
	f.wake()
}

func (f *feedback) report(r location.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.judges.there(r.Location) {
		return // it has gone meanwhile, and nobody would take this back
	}
	f.of(r.Location).report = &r
	f.wake()
}

// judge takes a data plane's verdict on an endpoint.
func (f *feedback) judge(name string, at probe, v fact.Verdict, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.judges.hear(name, at, v, gone) {
		return
	}
	r := ruling{at, v}
	if gone {
		r.verdict = nil
	}
	f.rule(location.Region(name), r)
	f.wake()
}

func (f *feedback) rule(region string, r ruling) {
	f.verdicts[fact.Health(fact.Probe{Location: region, Check: r.check, Endpoint: r.endpoint})] = r.verdict
}

func (f *feedback) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// takeEvents returns what is new since the last call, in order of name.
func (f *feedback) takeEvents() []event {
	f.mu.Lock()
	defer f.mu.Unlock()
	var events []event
	for name, u := range f.untold {
		if u.closed {
			events = append(events, event{kind: closed, location: name})
		}
		if u.opened {
			events = append(events, event{kind: opened, location: name})
		}
		if u.report != nil {
			events = append(events, event{kind: reported, location: name, report: *u.report})
		}
	}
	clear(f.untold)
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.location, b.location) })
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
func (l *Loop) Opened(at string) { l.feedback.open(at) }

// Closed says that it is gone.
func (l *Loop) Closed(at string) { l.feedback.close(at) }

// Report says how far a data plane has come.
func (l *Loop) Report(r location.Report) { l.feedback.report(r) }

// Verdict says what a data plane thinks of an endpoint; gone: that it does not probe it any longer.
func (l *Loop) Verdict(at string, v health.Verdict, gone bool) {
	l.feedback.judge(at, probe{v.Check, v.Address}, fact.Verdict{State: v.State, Detail: v.Detail}, gone)
}
