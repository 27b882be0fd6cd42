package recompute

import (
	"slices"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// tallies are multisets of members by (index, key). A member counts once however many units add it.
type tallies struct {
	// members is index NUL key NUL member -> number of units. Nobody keeps a state of it, so one transaction stays open.
	members *iradix.Txn[int]
	counts  layer[string, int] // index NUL key -> distinct members
	changed map[string]struct{}
}

func newTallies() *tallies {
	return &tallies{members: iradix.New[int]().Txn(), counts: newLayer[string, int](nil), changed: map[string]struct{}{}}
}

// fork returns tallies that begin as these are; these must not change while the fork is in use.
func (t *tallies) fork() *tallies {
	return &tallies{members: t.members.Clone(), counts: newLayer(&t.counts), changed: map[string]struct{}{}}
}

func (t *tallies) replace(old, next []Tally) {
	for _, x := range next {
		t.add(x, 1)
	}
	for _, x := range old {
		t.add(x, -1)
	}
}

func (t *tallies) add(x Tally, by int) {
	set := tallySet(x.Index, x.Key)
	key := []byte(set + "\x00" + x.Member)
	before, _ := t.members.Get(key)
	after := before + by
	switch {
	case after == 0:
		t.members.Delete(key)
	default:
		t.members.Insert(key, after)
	}
	if (before == 0) == (after == 0) {
		return
	}
	t.changed[set] = struct{}{}
	if count, _ := t.counts.get(set); count+by != 0 {
		t.counts.set(set, count+by)
	} else {
		t.counts.delete(set)
	}
}

// takeChanged returns the sets that changed since the last time, sorted.
func (t *tallies) takeChanged() []string {
	sets := sortedKeys(t.changed)
	clear(t.changed)
	return sets
}

func (t *tallies) count(set string) int {
	n, _ := t.counts.get(set)
	return n
}

func (t *tallies) first(set string, n int) []string {
	prefix := set + "\x00"
	var out []string
	t.members.Root().WalkPrefix([]byte(prefix), func(k []byte, _ int) bool {
		out = append(out, string(k[len(prefix):]))
		return len(out) >= n
	})
	return out
}

func tallySet(index, key string) string { return index + "\x00" + key }

// seen is what one reader last saw of a tally: its first few members, or its size.
type seen struct {
	set     string
	first   bool
	n       int // the size, or how many members were asked for
	members []string
}

// current says whether it would see the same now.
func (s *seen) current(t *tallies) bool {
	if s.first {
		return slices.Equal(t.first(s.set, s.n), s.members)
	}
	return t.count(s.set) == s.n
}

// sawOther says whether a reader's tally set now reads differently from what it saw.
func (m *memo) sawOther(set string, t *tallies) bool {
	if m.seen == nil {
		return false
	}
	for _, s := range *m.seen {
		if s.set == set && !s.current(t) {
			return true
		}
	}
	return false
}

func readTally(set string) string { return tallyPrefix + set }

const tallyPrefix = "t\x00"
