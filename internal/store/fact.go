package store

import (
	"reflect"
	"slices"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// Fact names something that Spillway has found out and that is no object: what a proxy acknowledged, whether an endpoint
// is healthy, whether the host has an address. Facts are inputs like objects: they wake who read them and nobody else.
// Neither part may hold a NUL.
type Fact struct {
	Kind string
	Key  string
}

// factEntry is a fact's value. Nobody changes a value once it is set.
type factEntry struct {
	fact  Fact
	value any
}

// Fact returns a fact's value, nil if there is none.
func (s *Snapshot) Fact(f Fact) any {
	e, _ := s.facts.Get(factKey(f))
	return e.value
}

// Facts returns the keys of a kind's facts, sorted.
func (s *Snapshot) Facts(kind string) []string {
	return factKeys(s.facts.Root(), kind)
}

// Fact reads a fact inside the transaction.
func (tx *Tx) Fact(f Fact) any {
	e, _ := tx.facts.Get(factKey(f))
	return e.value
}

// Facts reads the keys of a kind's facts inside the transaction, sorted.
func (tx *Tx) Facts(kind string) []string {
	return factKeys(tx.facts.Root(), kind)
}

// SetFact sets a fact's value; nil removes the fact. A value that is equal to what is there is dropped: equal by its
// Equal(any) bool method if it has one, else by reflect.DeepEqual.
func (tx *Tx) SetFact(f Fact, value any) {
	old, had := tx.facts.Get(factKey(f))
	switch {
	case value == nil && !had, value != nil && had && sameFact(old.value, value):
		return
	case value == nil:
		tx.facts.Delete(factKey(f))
	default:
		tx.facts.Insert(factKey(f), factEntry{f, value})
	}
	tx.touch(ReadFact(f))
	if had != (value != nil) {
		tx.touch(ReadFacts(f.Kind))
	}
}

// ReplaceFacts makes the facts of a kind what they are in a map, all of whose keys are of the kind: those that are not in it go.
func (tx *Tx) ReplaceFacts(kind string, all map[Fact]any) {
	for _, key := range tx.Facts(kind) {
		if f := (Fact{kind, key}); all[f] == nil {
			tx.SetFact(f, nil)
		}
	}
	for f, value := range all {
		tx.SetFact(f, value)
	}
}

func sameFact(a, b any) bool {
	if x, ok := a.(interface{ Equal(any) bool }); ok {
		return x.Equal(b)
	}
	return reflect.DeepEqual(a, b)
}

func factKey(f Fact) []byte { return []byte(f.Kind + "\x00" + f.Key) }

func factKeys(root *iradix.Node[factEntry], kind string) []string {
	var keys []string
	root.WalkPrefix([]byte(kind+"\x00"), func(_ []byte, e factEntry) bool {
		keys = append(keys, e.fact.Key)
		return false
	})
	slices.Sort(keys)
	return keys
}
