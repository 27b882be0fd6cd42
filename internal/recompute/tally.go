package recompute

import (
	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// tallies are multisets of members by (index, key). A member counts once however many units add it.
type tallies struct {
	// members is index NUL key NUL member -> number of units. Nobody keeps a state of it, so one transaction stays open.
	members *iradix.Txn[int]
	counts  map[string]int // index NUL key -> distinct members
	changed map[string]struct{}
}

func newTallies() *tallies {
	return &tallies{members: iradix.New[int]().Txn(), counts: map[string]int{}, changed: map[string]struct{}{}}
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
	set := x.Index + "\x00" + x.Key
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
	t.counts[set] += by
	if t.counts[set] == 0 {
		delete(t.counts, set)
	}
}

func (t *tallies) count(index, key string) int { return t.counts[index+"\x00"+key] }

func (t *tallies) first(index, key string, n int) []string {
	prefix := index + "\x00" + key + "\x00"
	var out []string
	t.members.Root().WalkPrefix([]byte(prefix), func(k []byte, _ int) bool {
		out = append(out, string(k[len(prefix):]))
		return len(out) >= n
	})
	return out
}
