package recompute_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

func texts(writes []recompute.WriteChange) []string {
	var out []string
	for _, w := range writes {
		text := w.Ref.Name + "=" + w.Value.(map[string]string)["text"]
		if w.Removed {
			text = "-" + text
		}
		out = append(out, text)
	}
	return out
}

// TestTheLoserGetsTheNameWhenTheOwnerLetsGo: it need not run for that.
func TestTheLoserGetsTheNameWhenTheOwnerLetsGo(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"b", "name=s", "text=b"})
	round := w.put([]string{"a", "name=s", "text=a"}, []string{"c", "name=s", "text=c"})
	w.expect("s=b")
	if len(round.Problems) != 3 || !strings.Contains(round.Problems[0].Text, "resource url_map s belongs to toy(") {
		t.Errorf("problems %v", round.Problems)
	}
	if got := texts(round.Writes); !slices.Equal(got, []string{"s=a"}) {
		t.Errorf("the lowest of several writers writes, not %q", got)
	}
	round = w.delete("b")
	w.expect("s=a")
	if w.runs["toy a"] != 0 || len(round.Tx.GetDeletes()) != 0 || len(round.Tx.GetUpserts()) != 1 {
		t.Errorf("runs %v, transaction %v", w.runs, round.Tx)
	}
	if len(round.Changes) != 1 || round.Changes[0].Unit != (recompute.ID{Kind: "toy", Key: refOf("a").String()}) ||
		round.Changes[0].Version != recompute.VersionOf(round.Tx.GetUpserts()[0]) {
		t.Errorf("changes %v", round.Changes)
	}
	round = w.put([]string{"a", "name=other", "text=a"})
	w.expect("other=a", "s=c")
	if got := texts(round.Writes); !slices.Equal(got, []string{"-s=a", "other=a", "s=c"}) {
		t.Errorf("writes %q", got)
	}
	w.delete("a")
	w.delete("c")
	w.expect()
}

// TestANameStaysWithItsOwnerOverARestart: the one that waited is not the owner afterwards.
func TestANameStaysWithItsOwnerOverARestart(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"b", "name=s", "text=b"})
	w.put([]string{"a", "name=s", "text=a"})
	seq, published := w.engine.Published()
	restarted := recompute.New(recompute.Config{Units: toyUnits(), Roots: toyRoots(), Published: published, Seq: seq})
	if round := restarted.Run(w.store.Subscribe().Take()); round.Tx != nil {
		t.Errorf("a restart publishes %v", round.Tx)
	}
	if got := show(restarted.Resources()); !slices.Equal(got, []string{"s=b"}) {
		t.Errorf("published %q", got)
	}
}

// TestWhatDoesNotSettleIsAProblem: a unit that joins a set only while it is empty would run for ever.
func TestWhatDoesNotSettleIsAProblem(t *testing.T) {
	units := toyUnits()
	toy := units["toy"]
	units["toy"] = func(v *recompute.View, key string) recompute.Result {
		r := toy(v, key)
		if ref, _ := store.ParseRef(key); ref.Name == "odd" && v.Count("joined", "k") == 0 {
			r.Tallies = []recompute.Tally{{Index: "joined", Key: "k", Member: "odd"}}
		}
		return r
	}
	s := store.New()
	sub := s.Subscribe()
	engine := recompute.New(recompute.Config{Units: units, Roots: toyRoots()})
	s.Commit(func(tx *store.Tx) {
		for _, name := range []string{"even", "odd"} {
			tx.Put("c", configMap(name, map[string]string{"text": name}), "")
		}
	})
	round := engine.Run(sub.Take())
	if len(round.Problems) != 1 || !strings.Contains(round.Problems[0].Text, "does not settle") || !strings.Contains(round.Problems[0].Unit.Key, "odd") {
		t.Errorf("problems %v", round.Problems)
	}
	if got := show(engine.Resources()); !slices.Equal(got, []string{"even=even"}) {
		t.Errorf("published %q", got)
	}
}
