package recompute

import (
	"strings"

	"github.com/spillway-lb/spillway/internal/store"
)

// View is what a unit sees: a snapshot, and the units of an engine or of a fork of it. Every method records what was asked,
// misses included.
type View struct {
	engine   *Engine
	snapshot *store.Snapshot
	reader   *memo
	hold     bool
}

// Hold has the unit come to Held, with the writes and counts that it had, whatever its translator returns: something that it read is
// not known yet.
func (v *View) Hold() { v.hold = true }

// Get returns an object for the sake of its content, or nil.
func (v *View) Get(ref store.Ref) store.Object {
	v.record(store.ReadObject(ref))
	if e := v.snapshot.Get(ref); e != nil {
		return e.Object
	}
	return nil
}

// Status returns an object for the sake of the status that it came with, too, which Get does not watch.
func (v *View) Status(ref store.Ref) store.Object {
	v.record(store.ReadStatus(ref))
	return v.Get(ref)
}

// Written returns what controllers wrote about an object, or nil.
func (v *View) Written(ref store.Ref) *store.Written {
	v.record(store.ReadWritten(ref))
	if e := v.snapshot.Get(ref); e != nil {
		return e.Written
	}
	return nil
}

// List returns the names of a kind; cluster and namespace may be "" for all.
func (v *View) List(kind, cluster, namespace string) []store.Ref {
	v.record(store.ReadList(kind, cluster, namespace))
	return v.snapshot.List(kind, cluster, namespace)
}

// Index returns the members of an index key.
func (v *View) Index(index, key string) []store.Ref {
	v.record(store.ReadIndex(index, key))
	return v.snapshot.Index(index, key)
}

// Fact returns a fact's value, nil if there is none.
func (v *View) Fact(f store.Fact) any {
	v.record(store.ReadFact(f))
	return v.snapshot.Fact(f)
}

// Facts returns the keys of a kind's facts, sorted.
func (v *View) Facts(kind string) []string {
	v.record(store.ReadFacts(kind))
	return v.snapshot.Facts(kind)
}

// Unit returns another unit's value. The unit exists from now on, for as long as it is read.
func (v *View) Unit(kind, key string) (any, State) {
	m := v.engine.memo(ID{kind, key})
	v.record(readUnit(m.id))
	v.engine.settle(m, v.reader)
	v.reader.height = max(v.reader.height, m.height+1)
	return m.value, m.state
}

// Good returns what the unit's last Result had as Good when the round began, or nil. It is no read: nothing but the unit
// itself changes it.
func (v *View) Good() store.Object { return v.engine.before[v.reader].good }

// Unseen is Good as long as it is of an earlier process: it may be on its way. What this process has seen and sees no more is gone,
// whether or not its list is there, and Unseen is nil.
func (v *View) Unseen() store.Object {
	if !v.engine.before[v.reader].unseen {
		return nil
	}
	return v.Good()
}

// Keeps tells whether a unit is held and still publishes what an earlier process had of it: its resources may be named,
// though it has no value to say so.
func (v *View) Keeps(kind, key string) bool {
	_, state := v.Unit(kind, key)
	return state == Held && len(v.engine.memo(ID{kind, key}).resources) > 0
}

// Count returns the size of a tally set.
func (v *View) Count(index, key string) int {
	set := tallySet(index, key)
	n := v.engine.tallies.count(set)
	v.saw(seen{set: set, n: n})
	return n
}

// First returns the first n members of a tally set in order.
func (v *View) First(index, key string, n int) []string {
	set := tallySet(index, key)
	members := v.engine.tallies.first(set, n)
	v.saw(seen{set: set, first: true, n: n, members: members})
	return members
}

func (v *View) saw(s seen) {
	v.record(readTally(s.set))
	if v.reader.seen == nil {
		v.reader.seen = &[]seen{}
	}
	*v.reader.seen = append(*v.reader.seen, s)
}

func (v *View) record(read string) {
	v.engine.record(read, v.reader)
}

// Get is View.Get with the object's type; it returns nil if the object is not there.
func Get[T store.Object](v *View, ref store.Ref) (object T, ok bool) {
	if o := v.Get(ref); o != nil {
		object, ok = o.(T)
	}
	return object, ok
}

// Fact is View.Fact with the value's type; ok is false if there is no such fact.
func Fact[T any](v *View, f store.Fact) (value T, ok bool) {
	value, ok = v.Fact(f).(T)
	return value, ok
}

// Value is View.Unit with the value's type. ok is false for a unit that has no value; held then tells whether it is
// because the unit is held, in which case the reader must hold, too.
func Value[T any](v *View, kind, key string) (value T, ok, held bool) {
	x, state := v.Unit(kind, key)
	value, ok = x.(T)
	return value, ok, !ok && state == Held
}

// Known is Value for a reader that has nothing to do while the unit is held without a value: it holds.
func Known[T any](v *View, kind, key string) (value T, ok bool) {
	value, ok, held := Value[T](v, kind, key)
	if held {
		v.Hold()
	}
	return value, ok
}

func readUnit(id ID) string { return "u\x00" + id.Kind + "\x00" + id.Key }

// unitOfRead is the inverse of readUnit; ok is false for other reads.
func unitOfRead(read string) (unit ID, ok bool) {
	read, ok = strings.CutPrefix(read, "u\x00")
	kind, key, _ := strings.Cut(read, "\x00")
	return ID{kind, key}, ok
}
