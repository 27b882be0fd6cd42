package outbox

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// item is what is known of one object.
type item struct {
	ref   store.Ref
	entry *store.Entry // as the store has it; nil if it has none
	// known is the newest version that an API server is known to have: an answer, until the store is as new.
	known store.Object
	// made: known was made by us, and the store has not had it yet.
	made bool
	// deleted is the uid of the object that an API server has agreed to delete.
	deleted types.UID
	// said is the last Written that was not nil: what is to be taken back when it says less.
	said *store.Written
	// settled is by verb what was made true, and what that looked like: an API server that changes what it is sent is not sent it again.
	settled map[Verb]settled
	reread  bool

	flight    *Op
	queued    bool
	bucket    bucket
	failures  int
	notBefore time.Time
	wakes     time.Time // when a timer has it looked at
	// refused is the signature of a request that is not tried again before notBefore; another one is.
	refused string
	// renewal: a field cannot be changed, so the object is deleted first.
	renewal bool
	// renewed is what it was deleted for the last time, which does not help twice.
	renewed string
	// last is what was last asked for, repeats how often in a row.
	last    string
	repeats int
	trouble string
}

type settled struct{ want, seen string }

// observe takes an entry, and says whether it is another one than before.
func (it *item) observe(e *store.Entry) bool {
	if it.entry == e {
		return false
	}
	before := it.entry
	it.entry = e
	if e == nil {
		if !it.made {
			it.known = nil
		}
		it.said, it.settled, it.reread = nil, nil, false
		return true
	}
	if e.Written != nil {
		it.said = merged(it.said, e.Written)
	}
	if !store.FromServer(e.Object) {
		if before == nil || before.Object.GetUID() != e.Object.GetUID() {
			it.known, it.made = nil, false // a new life: what is known is of the last one
		}
		return true
	}
	switch {
	case status.Wish(e):
		if it.known != nil && older(it.known, e.Object) {
			it.known = nil
		}
	case it.known == nil || !older(e.Object, it.known):
		it.known = e.Object
	default:
		return true // what the store has is from before the answer
	}
	it.made = false
	return true
}

// older compares versions of an object. Versions that cannot be compared are as good as equal if they are the same, else older.
func older(a, b store.Object) bool {
	order, err := resourceversion.CompareResourceVersion(a.GetResourceVersion(), b.GetResourceVersion())
	if err != nil {
		return a.GetResourceVersion() != b.GetResourceVersion()
	}
	return order < 0
}

// merged is what was ever said of an object and not yet taken back: the newest, with the names that it lacks.
func merged(old, next *store.Written) *store.Written {
	if old == nil || covered(old, next) {
		return next
	}
	out := &store.Written{Annotations: map[string]string{}, Finalizers: union(old.Finalizers, next.Finalizers)}
	maps.Copy(out.Annotations, old.Annotations)
	maps.Copy(out.Annotations, next.Annotations)
	return out
}

func covered(old, next *store.Written) bool {
	for key := range old.Annotations {
		if _, ok := next.Annotations[key]; !ok {
			return false
		}
	}
	for _, f := range old.Finalizers {
		if !slices.Contains(next.Finalizers, f) {
			return false
		}
	}
	return true
}

// idle says that nothing has to be remembered.
func (it *item) idle() bool {
	return it.entry == nil && !it.made && it.flight == nil && !it.queued
}
