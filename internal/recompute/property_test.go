package recompute_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestIncrementalEqualsScratch is the engine's contract: after any edits, what is published is what a new engine makes
// of the same objects, given what was published before the last edit.
func TestIncrementalEqualsScratch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := store.New()
		sub := s.Subscribe()
		engine := recompute.New(recompute.Config{Units: toyUnits(), Roots: toyRoots()})
		for step := range rapid.IntRange(1, 12).Draw(t, "steps") {
			seq, published := engine.Published()
			s.Commit(func(tx *store.Tx) { randomEdit(t, tx) })
			snapshot, touched := sub.Take()
			engine.Run(snapshot, touched)

			scratch := recompute.New(recompute.Config{Units: toyUnits(), Roots: toyRoots(), Published: published, Seq: seq})
			_, everything := s.Subscribe().Take()
			scratch.Run(snapshot, everything)
			if got, want := show(engine.Resources()), show(scratch.Resources()); !slices.Equal(got, want) {
				t.Fatalf("step %d: incremental %q, from scratch %q", step, got, want)
			}
		}
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
		for _, set := range []string{"join", "watch"} {
			data[set] = rapid.SampledFrom([]string{"", "k", "l"}).Draw(t, set)
		}
		if rapid.IntRange(0, 5).Draw(t, "absent") == 0 {
			data["absent"] = "yes"
		}
		// A held unit's value and tallies do not outlive the process, so only one that has none for others holds here.
		if i == 0 {
			data["join"] = ""
			if rapid.Bool().Draw(t, "keep") {
				data["keep"] = "yes"
			}
			if rapid.Bool().Draw(t, "hold") {
				data["hold"] = "yes"
			}
		}
		tx.Put("c", configMap(fmt.Sprint("o", i), data), "")
	}
}
