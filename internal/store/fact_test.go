package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/spillway-lb/spillway/internal/store"
)

// loose is a value with an equality of its own.
type loose struct{ value, noise int }

func (l loose) Equal(other any) bool {
	o, ok := other.(loose)
	return ok && o.value == l.value
}

// TestFactsAreAMapWithReads compares facts with a plain map: after each commit the snapshot holds what the map holds, the
// touched reads are exactly what differs, and the snapshot before has not changed.
func TestFactsAreAMapWithReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := store.New()
		sub := s.Subscribe()
		sub.Take()
		model := map[store.Fact]any{}
		for range rapid.IntRange(1, 10).Draw(t, "commits") {
			before, old := s.Snapshot(), maps.Clone(model)
			after := s.Commit(func(tx *store.Tx) {
				for range rapid.IntRange(0, 4).Draw(t, "sets") {
					f := store.Fact{
						Kind: rapid.SampledFrom([]string{"ack", "ackX", ""}).Draw(t, "kind"),
						Key:  rapid.SampledFrom([]string{"", "a", "a/b", "b"}).Draw(t, "key"),
					}
					value := rapid.SampledFrom([]any{nil, 1, 2, "1", []int{1}, []int{2}}).Draw(t, "value")
					tx.SetFact(f, value)
					if value == nil {
						delete(model, f)
					} else {
						model[f] = value
					}
					if got := fmt.Sprint(tx.Fact(f)); got != fmt.Sprint(value) {
						t.Fatalf("inside the transaction %v is %s, want %v", f, got, value)
					}
				}
			})
			expectFacts(t, before, old)
			expectFacts(t, after, model)
			_, touched := sub.Take()
			// A value that is set and taken back in one commit may be touched, so what differs must be there, not only that.
			for _, read := range differingFacts(old, model) {
				if !slices.Contains(touched, read) {
					t.Fatalf("%q was not touched by %v -> %v: %q", read, old, model, touched)
				}
			}
		}
	})
}

func expectFacts(t *rapid.T, s *store.Snapshot, want map[store.Fact]any) {
	byKind := map[string][]string{"ack": nil, "ackX": nil, "": nil}
	for f, value := range want {
		if got := s.Fact(f); fmt.Sprintf("%T%v", got, got) != fmt.Sprintf("%T%v", value, value) {
			t.Fatalf("%v is %v, want %v", f, got, value)
		}
		byKind[f.Kind] = append(byKind[f.Kind], f.Key)
	}
	for kind, keys := range byKind {
		slices.Sort(keys)
		if got := s.Facts(kind); !slices.Equal(got, keys) {
			t.Fatalf("Facts(%q) = %q, want %q", kind, got, keys)
		}
	}
}

func differingFacts(old, next map[store.Fact]any) []string {
	var reads []string
	for f, value := range old {
		other, still := next[f]
		if !still {
			reads = append(reads, store.ReadFact(f), store.ReadFacts(f.Kind))
		} else if fmt.Sprintf("%T%v", other, other) != fmt.Sprintf("%T%v", value, value) {
			reads = append(reads, store.ReadFact(f))
		}
	}
	for f := range next {
		if _, had := old[f]; !had {
			reads = append(reads, store.ReadFact(f), store.ReadFacts(f.Kind))
		}
	}
	return reads
}

func TestAnEqualFactIsNoCommit(t *testing.T) {
	s := store.New()
	f := store.Fact{Kind: "ack", Key: "west"}
	first := s.Commit(func(tx *store.Tx) { tx.SetFact(f, loose{1, 1}) })
	for _, same := range []any{loose{1, 1}, loose{1, 2}} {
		if after := s.Commit(func(tx *store.Tx) { tx.SetFact(f, same) }); after != first {
			t.Errorf("setting %v again made a revision", same)
		}
	}
	sub := s.Subscribe()
	if _, touched := sub.Take(); !slices.Contains(touched, store.ReadFact(f)) {
		t.Errorf("a subscription starts with %q", touched)
	}
	s.Commit(func(tx *store.Tx) { tx.SetFact(f, loose{2, 2}) })
	if _, touched := sub.Take(); !slices.Equal(touched, []string{store.ReadFact(f)}) {
		t.Errorf("a change of value touched %q", touched)
	}
}

func TestReadsAreReadBack(t *testing.T) {
	object, fact := ref("west", "a", "x"), store.Fact{Kind: "ack", Key: "a/b"}
	reads := []string{
		store.ReadObject(object), store.ReadWritten(object), store.ReadList("Service", "", ""), store.ReadIndex("app", "1"),
		store.ReadFact(fact), store.ReadFacts("ack"), store.ReadStatus(object),
	}
	for i, read := range reads {
		if got, ok := store.ObjectOf(read); ok != (i == 0) || ok && got != object {
			t.Errorf("ObjectOf(%q) = %v, %v", read, got, ok)
		}
		if got, ok := store.WrittenOf(read); ok != (i == 1) || ok && got != object {
			t.Errorf("WrittenOf(%q) = %v, %v", read, got, ok)
		}
		if got, ok := store.StatusOf(read); ok != (i == 6) || ok && got != object {
			t.Errorf("StatusOf(%q) = %v, %v", read, got, ok)
		}
		if kind, _, _, ok := store.ListOf(read); ok != (i == 2) || ok && kind != "Service" {
			t.Errorf("ListOf(%q) = %v, %v", read, kind, ok)
		}
		if got, ok := store.FactOf(read); ok != (i == 4) || ok && got != fact {
			t.Errorf("FactOf(%q) = %v, %v", read, got, ok)
		}
	}
}

// TestReplaceFacts: what is not named goes, what is the same touches nothing, and other kinds stay.
func TestReplaceFacts(t *testing.T) {
	s := store.New()
	sub := s.Subscribe()
	a, b, c, other := store.Fact{Kind: "k", Key: "a"}, store.Fact{Kind: "k", Key: "b"}, store.Fact{Kind: "k", Key: "c"}, store.Fact{Kind: "l", Key: "a"}
	s.Commit(func(tx *store.Tx) {
		for _, f := range []store.Fact{a, b, other} {
			tx.SetFact(f, 1)
		}
	})
	sub.Take()
	after := s.Commit(func(tx *store.Tx) { tx.ReplaceFacts("k", map[store.Fact]any{b: 1, c: 2}) })
	if _, touched := sub.Take(); !slices.Equal(touched, slices.Sorted(slices.Values([]string{store.ReadFact(a), store.ReadFact(c), store.ReadFacts("k")}))) {
		t.Errorf("touched %q", touched)
	}
	if keys := after.Facts("k"); !slices.Equal(keys, []string{"b", "c"}) || after.Fact(c) != 2 || after.Fact(other) != 1 {
		t.Errorf("left are %q, %v, %v", keys, after.Fact(c), after.Fact(other))
	}
	if s.Commit(func(tx *store.Tx) { tx.ReplaceFacts("k", map[store.Fact]any{b: 1, c: 2}) }) != after {
		t.Error("the same is a commit")
	}
}
