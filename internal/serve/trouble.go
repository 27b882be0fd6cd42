package serve

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/trouble"
)

const (
	// troubleInterval bounds how often conditions are told, so that an object that flaps costs a line now and then.
	troubleInterval = time.Second
	// maxTroubles is how many lines are told at once.
	maxTroubles = 10
)

// troubles tells, a line each, which objects are not in order and which have mended.
type troubles struct {
	store  *store.Store
	report *reporter
	// settled receives after statuses have been written.
	settled chan struct{}
	// known are the lines about each object that is not in order.
	known map[store.Ref][]string
}

func newTroubles(s *store.Store, r *reporter) *troubles {
	return &troubles{store: s, report: r, settled: make(chan struct{}, 1), known: map[store.Ref][]string{}}
}

// wake says that statuses have been written.
func (t *troubles) wake() {
	select {
	case t.settled <- struct{}{}:
	default:
	}
}

// run tells until the context ends. Before statuses speak of them, objects are not looked at.
func (t *troubles) run(ctx context.Context) {
	sub := t.store.Subscribe()
	defer t.store.Unsubscribe(sub)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.settled:
		}
		t.tell(sub.Take())
		if !pause(ctx, troubleInterval) {
			return
		}
	}
}

// tell looks at the objects that were touched.
func (t *troubles) tell(snapshot *store.Snapshot, touched []string) {
	worse, better := map[string][]store.Ref{}, map[string][]store.Ref{}
	for ref := range touchedObjects(touched) {
		was := t.known[ref]
		e := snapshot.Get(ref)
		if e == nil {
			delete(t.known, ref)
			continue
		}
		now := linesOf(trouble.Leading(trouble.Of(snapshot, e)))
		for _, line := range now {
			if !slices.Contains(was, line) {
				worse[kind.Bare(ref.Kind)+"\x00"+line] = append(worse[kind.Bare(ref.Kind)+"\x00"+line], ref)
			}
		}
		if t.known[ref] = now; len(now) == 0 {
			delete(t.known, ref)
			if len(was) > 0 {
				better[kind.Bare(ref.Kind)] = append(better[kind.Bare(ref.Kind)], ref)
			}
		}
	}
	t.print(worse, func(names, key string) {
		_, line, _ := strings.Cut(key, "\x00")
		t.report.warn(names + ": " + line)
	})
	t.print(better, func(names, _ string) { t.report.say("in order again: %s", names) })
}

func linesOf(troubles []trouble.Trouble) []string {
	var lines []string
	for _, t := range troubles {
		if line := t.String(); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// print tells one line for all objects of a kind that have the same to say, and not too many.
func (t *troubles) print(lines map[string][]store.Ref, tell func(names, key string)) {
	for i, key := range slices.Sorted(maps.Keys(lines)) {
		if i == maxTroubles {
			t.report.say("and %d lines more like these; spillway get -A -o wide, spillway describe", len(lines)-i)
			return
		}
		tell(namesOf(lines[key]), key)
	}
}

func touchedObjects(touched []string) map[store.Ref]struct{} {
	out := map[store.Ref]struct{}{}
	for _, read := range touched {
		if ref, ok := store.WrittenOf(read); ok {
			out[ref] = struct{}{}
		} else if ref, ok := store.ObjectOf(read); ok {
			out[ref] = struct{}{}
		}
	}
	return out
}

// namesOf names the first of some objects of a kind, and counts the rest.
func namesOf(refs []store.Ref) string {
	first := slices.MinFunc(refs, func(a, b store.Ref) int { return cmp.Compare(a.String(), b.String()) })
	text := describe(first.Cluster, kind.Bare(first.Kind), first.Namespace, first.Name)
	if len(refs) > 1 {
		text += fmt.Sprintf(" and %d more", len(refs)-1)
	}
	return text
}
