package serve

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/outage"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/view"
)

// outageInterval bounds how often backends are looked through; looking takes no more than a twentieth of a core's time.
const outageInterval = time.Second

// outages tells which Services have nobody who answers, why, and when that has mended.
type outages struct {
	store  *store.Store
	source *view.Source
	report *reporter
	watch  *outage.Watch
	writer *status.Writer
	now    func() time.Time
	// facts are those that are set.
	facts map[store.Fact]string
	// states are told of beside.
	states *backendStates
}

// run tells until the context ends.
func (o *outages) run(ctx context.Context) {
	sub := o.store.Subscribe()
	defer o.store.Unsubscribe(sub)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Ready():
			if _, touched := sub.Take(); !slices.ContainsFunc(touched, concernsBackends) {
				continue
			}
		case <-timer.C:
		}
		began := o.now()
		again := o.step()
		took := o.now().Sub(began)
		if !pause(ctx, max(outageInterval, 20*took)) {
			return
		}
		timer.Reset(untilNext(again, o.now()))
	}
}

// untilNext is how long nothing is due but changes; the zero time is never.
func untilNext(at, now time.Time) time.Duration {
	if at.IsZero() {
		return time.Hour
	}
	return max(0, at.Sub(now))
}

// concernsBackends says whether what was touched may change who answers: what objects say, what was published and taken, or
// a verdict.
func concernsBackends(read string) bool {
	if ref, ok := store.ObjectOf(read); ok {
		return slices.Contains([]string{
			kind.Service, kind.EndpointSlice, kind.Pod, kind.Deployment, kind.ReplicaSet, kind.StatefulSet, kind.DaemonSet,
		}, ref.Kind)
	}
	f, ok := store.FactOf(read)
	return ok && (f.Kind == fact.KindHealth || f.Kind == fact.KindProgress)
}

func (o *outages) step() (again time.Time) {
	backends := o.source.Backends()
	worse, better, again := o.watch.Step(o.now(), backends)
	o.tell(worse, func(names string, b *outage.Backend) {
		o.report.warn(fmt.Sprintf("%s: no healthy endpoint, so %s: %s", names, b.Then(), b.Reason.Text))
	})
	o.tell(better, func(names string, _ *outage.Backend) { o.report.say("has healthy endpoints again: %s", names) })
	o.record(worse, better)
	o.setFacts(o.watch.Told(backends))
	return earlier(again, o.states.step(o.now()))
}

// earlier is the earlier of two times, of which the zero time is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// record says the same where users look first: in events of the Services, and of the routes and Ingresses that send requests
// there.
func (o *outages) record(worse, better []outage.Backend) {
	var events []recompute.WriteChange
	for i := range worse {
		b := &worse[i]
		events = append(events, o.events(b, "Warning", "Unhealthy", ": no healthy endpoint, so "+b.Then()+": "+b.Reason.Text)...)
	}
	for i := range better {
		events = append(events, o.events(&better[i], "Normal", "Healthy", " has healthy endpoints again")...)
	}
	o.writer.Apply(events, nil, o.now())
}

// events are one for each object that a backend concerns.
func (o *outages) events(b *outage.Backend, kind, reason, text string) []recompute.WriteChange {
	var all []recompute.WriteChange
	for _, about := range append([]store.Ref{b.Of}, o.source.Users(b)...) {
		w := recompute.Write{Ref: about, Part: recompute.PartEvent, Key: reason + "/" + backendText(b), Value: recompute.Event{
			Type: kind, Reason: reason, Message: backendText(b) + text, Source: "loadbalancer-controller", Cause: o.now().String(),
		}}
		// Each is an occurrence of its own: it is told once, and not wanted for good.
		all = append(all, recompute.WriteChange{Write: w}, recompute.WriteChange{Write: w, Removed: true})
	}
	return all
}

func backendText(b *outage.Backend) string {
	return fmt.Sprintf("%s %q, port %d, from %s", kind.Bare(b.Of.Kind), b.Of.Namespace+"/"+b.Of.Name, b.Port, b.Location)
}

// setFacts makes facts of what is told, for the statuses of who calls callouts, and of routes and Ingresses.
func (o *outages) setFacts(told []outage.Backend) {
	texts := map[store.Fact][]string{}
	for i := range told {
		b := &told[i]
		if f := fact.Outage(b.Of, b.Port); b.Callout {
			texts[f] = append(texts[f], "from "+b.Location+": "+b.Reason.Text)
		}
		for _, user := range o.source.Users(b) {
			f := fact.OutageOf(user)
			texts[f] = append(texts[f], backendText(b)+": "+b.Reason.Text)
		}
	}
	next := map[store.Fact]string{}
	for f, all := range texts {
		slices.Sort(all)
		next[f] = strings.Join(all, "; ")
	}
	if maps.Equal(next, o.facts) {
		return
	}
	o.store.Commit(func(tx *store.Tx) {
		for f := range o.facts {
			if _, still := next[f]; !still {
				tx.SetFact(f, nil)
			}
		}
		for f, text := range next {
			tx.SetFact(f, text)
		}
	})
	o.facts = next
}

// tell prints a line for the locations of one port that have the same to say, and not too many.
func (o *outages) tell(all []outage.Backend, tell func(names string, b *outage.Backend)) {
	for n := 0; len(all) > 0; n++ {
		if n == maxTroubles {
			o.report.say("and %d Services more like these; spillway get services -A -o wide", len(all))
			return
		}
		first := all[0]
		locations := []string{first.Location}
		all = slices.DeleteFunc(all[1:], func(b outage.Backend) bool {
			same := b.Of == first.Of && b.Port == first.Port && b.Callout == first.Callout && b.Reason == first.Reason
			if same {
				locations = append(locations, b.Location)
			}
			return same
		})
		name := describe(first.Of.Cluster, kind.Bare(first.Of.Kind), first.Of.Namespace, first.Of.Name)
		tell(fmt.Sprintf("%s, port %d, from %s", name, first.Port, strings.Join(locations, " and ")), &first)
	}
}
