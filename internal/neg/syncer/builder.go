package syncer

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// builder gathers what is said of one report.
type builder struct {
	report *neg.Report
	events []Event
	facts  map[store.Fact]any
}

func (b *builder) add(kind, reason, message string) {
	b.events = append(b.events, Event{b.report.Service, recompute.Event{
		Type: kind, Reason: reason, Message: message, Source: neg.Component,
	}})
}

// attach tells of the groups that are new, and then of endpoints: those that came before those that left.
func (b *builder) attach(p *port) {
	next := make(map[string]map[string]bool, len(b.report.Zones))
	came, left := map[string]int{}, map[string]int{}
	for _, z := range b.report.Zones {
		was, known := p.attached[z.Zone]
		if !known {
			b.add(corev1.EventTypeNormal, "Create", fmt.Sprintf("Created NEG %q for %s in %q.", b.report.Name, b.report.Key, z.Zone))
		}
		next[z.Zone] = make(map[string]bool, len(z.Endpoints))
		for _, e := range z.Endpoints {
			next[z.Zone][e.Address] = true
			if !was[e.Address] {
				came[z.Zone]++
			}
		}
		for address := range was {
			if !next[z.Zone][address] {
				left[z.Zone]++
			}
		}
	}
	p.attached = next
	for _, z := range b.report.Zones {
		b.batches("Attach", z.Zone, came[z.Zone])
	}
	for _, z := range b.report.Zones {
		b.batches("Detach", z.Zone, left[z.Zone])
	}
}

func (b *builder) batches(verb, zone string, n int) {
	for ; n > 0; n -= batch {
		b.add(corev1.EventTypeNormal, verb, fmt.Sprintf("%s %d network endpoint(s) (NEG %q in zone %q)", verb, min(n, batch), b.report.Name, zone))
	}
}

// mode tells when a port enters degraded mode, and when it leaves it: as soon as both modes have the same result.
func (b *builder) mode(p *port) {
	switch r := b.report; {
	case r.Reason != "" && !p.degraded:
		p.degraded = true
		b.facts[fact.Degraded(r.Unit)] = true
		b.add(corev1.EventTypeWarning, "EnterDegradedMode",
			fmt.Sprintf("Entering degraded mode for NEG %s due to sync err: %s", r.Key, r.Reason.Text()))
	case p.degraded && !r.Differs:
		p.degraded = false
		b.facts[fact.Degraded(r.Unit)] = nil
		b.add(corev1.EventTypeNormal, "ExitDegradedMode", fmt.Sprintf("NEG %s is no longer in degraded mode", r.Key))
	}
}
