package recompute_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestIncrementalEqualsScratch is the engine's contract: after any edits, what is published and what is written is what a
// new engine makes of the same objects, given what was published before the last edit. A fork that is given the edit
// beforehand says what the edit then does, and leaves no trace.
func TestIncrementalEqualsScratch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := store.New()
		sub := s.Subscribe()
		engine := recompute.New(recompute.Config{Units: toyUnits(), Roots: toyRoots()})
		written := map[string]string{}
		for step := range rapid.IntRange(1, 12).Draw(t, "steps") {
			seq, published := engine.Published()
			candidate, changed := s.Candidate(s.Snapshot(), func(tx *store.Tx) { randomEdit(t, tx) })
			foreseen := showRound(engine.Fork().Run(candidate, changed))
			s.Commit(func(tx *store.Tx) { copyObjects(tx, s.Snapshot(), candidate) })
			snapshot, touched := sub.Take()
			round := engine.Run(snapshot, touched)
			if got := showRound(round); !slices.Equal(got, foreseen) {
				t.Fatalf("step %d: the round is %q, the fork's was %q", step, got, foreseen)
			}
			applyWrites(written, round)

			scratch := recompute.New(recompute.Config{Units: toyUnits(), Roots: toyRoots(), Published: published, Seq: seq})
			_, everything := s.Subscribe().Take()
			anew := map[string]string{}
			applyWrites(anew, scratch.Run(snapshot, everything))
			if got, want := show(engine.Resources()), show(scratch.Resources()); !slices.Equal(got, want) {
				t.Fatalf("step %d: incremental %q, from scratch %q", step, got, want)
			}
			if !maps.Equal(written, anew) {
				t.Fatalf("step %d: incremental writes %q, from scratch %q", step, written, anew)
			}
			_, a := engine.Published()
			_, b := scratch.Published()
			if got, want := fmt.Sprint(showPublished(a)), fmt.Sprint(showPublished(b)); got != want {
				t.Fatalf("step %d: incremental keeps\n%s, from scratch\n%s", step, got, want)
			}
		}
	})
}

func showRound(r recompute.Round) []string {
	out := show(r.Tx.GetUpserts())
	for _, k := range r.Tx.GetDeletes() {
		out = append(out, "delete "+k.GetName())
	}
	for _, c := range r.Changes {
		out = append(out, fmt.Sprint(c))
	}
	for _, w := range r.Writes {
		out = append(out, fmt.Sprint(w))
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprint(p))
	}
	return out
}

func applyWrites(all map[string]string, r recompute.Round) {
	for _, w := range r.Writes {
		key := w.Ref.String() + " " + string(w.Part)
		if w.Removed {
			delete(all, key)
		} else {
			all[key] = fmt.Sprint(w.Value)
		}
	}
}

func showPublished(all map[recompute.ID]recompute.Published) map[string]string {
	out := map[string]string{}
	for id, p := range all {
		good := ""
		if p.Good != nil {
			good = fmt.Sprint(p.Good.(*corev1.ConfigMap).Data)
		}
		out[id.String()] = fmt.Sprint(show(p.Resources), show(p.Withheld), p.Tallies, p.Reads, good)
	}
	return out
}

// copyObjects makes the transaction's objects those of another snapshot.
func copyObjects(tx *store.Tx, from, to *store.Snapshot) {
	for _, ref := range from.List("ConfigMap", "", "") {
		if to.Get(ref) == nil {
			tx.Delete(ref)
		}
	}
	to.Walk("ConfigMap", "", "", func(e *store.Entry) bool {
		if old := from.Get(e.Ref); old == nil || old.Object != e.Object {
			tx.Put(e.Ref.Cluster, e.Object, e.Origin)
		}
		return true
	})
}

func randomEdit(t *rapid.T, tx *store.Tx) {
	for range rapid.IntRange(1, 3).Draw(t, "edits") {
		i := rapid.IntRange(0, 7).Draw(t, "name")
		if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
			tx.Delete(refOf(fmt.Sprint("o", i)))
			continue
		}
		data := map[string]string{"text": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "text")}
		// Only higher names are read, so that there is no cycle.
		if i < 7 && rapid.Bool().Draw(t, "reads") {
			data["read"] = fmt.Sprint("o", rapid.IntRange(i+1, 7).Draw(t, "read"))
		}
		for _, set := range []string{"join", "watch", "count", "first"} {
			data[set] = rapid.SampledFrom([]string{"", "", "k", "l"}).Draw(t, set)
		}
		for _, state := range []string{"absent", "keep", "bad"} {
			if rapid.IntRange(0, 5).Draw(t, state) == 0 {
				data[state] = "yes"
			}
		}
		data["name"] = rapid.SampledFrom([]string{"", "", "", "o1", "s"}).Draw(t, "called")
		// A held unit's value does not outlive the process, so only one that has none for others holds here.
		if i == 0 && rapid.Bool().Draw(t, "hold") {
			data["hold"] = "yes"
		}
		tx.Put("c", configMap(fmt.Sprint("o", i), data), "")
	}
}
