package store

import (
	"reflect"
	"time"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Tx is one commit in the making. It is valid inside Commit's function only.
type Tx struct {
	store    *Store
	revision uint64
	objects  *iradix.Txn[*Entry]
	indexes  *iradix.Txn[Ref]
	facts    *iradix.Txn[factEntry]
	touched  map[string]struct{}
	// changed: something is different, though it may be nothing that anybody reads.
	changed bool
	// renewed: an object is of another resourceVersion, and nothing else is different.
	renewed bool
}

func (s *Store) begin(base *Snapshot) *Tx {
	return &Tx{
		store: s, revision: base.revision + 1, objects: base.objects.Txn(), indexes: base.indexes.Txn(), facts: base.facts.Txn(),
		touched: map[string]struct{}{},
	}
}

func (tx *Tx) commit() *Snapshot {
	return &Snapshot{revision: tx.revision, objects: tx.objects.Commit(), indexes: tx.indexes.Commit(), facts: tx.facts.Commit()}
}

// Get reads the state inside the transaction.
func (tx *Tx) Get(ref Ref) *Entry {
	e, _ := tx.objects.Get(objectKey(ref))
	return e
}

// Walk calls f for the entries inside the transaction that Snapshot.Walk would.
func (tx *Tx) Walk(kind, cluster, namespace string, f func(*Entry) bool) {
	walk(tx.objects.Root(), kind, cluster, namespace, f)
}

// Put adds or replaces an object. What controllers wrote about it stays. What did not change touches nothing: an object
// that is the same, or differs by noise only (managedFields, heartbeats), makes no commit.
func (tx *Tx) Put(cluster string, o Object, origin string) {
	tx.put(cluster, o, origin, time.Time{})
}

// PutLastKnown is Put for an object whose source is away or broken: it was last seen at that time.
func (tx *Tx) PutLastKnown(cluster string, o Object, origin string, seen time.Time) {
	tx.put(cluster, o, origin, seen)
}

func (tx *Tx) put(cluster string, o Object, origin string, lastKnown time.Time) {
	ref := RefTo(cluster, o)
	entry := &Entry{Ref: ref, Object: o, Origin: origin, LastKnown: lastKnown, Revision: tx.revision}
	old := tx.Get(ref)
	if old == nil {
		tx.reindex(ref, nil, o)
		tx.touchLists(ref)
		tx.objects.Insert(objectKey(ref), entry)
		tx.touch(ReadObject(ref))
		return
	}
	what := changeOf(old.Object, o, old.Written)
	if what == (change{}) {
		entry.Revision = old.Revision
		if old.Origin == origin && old.LastKnown.Equal(lastKnown) {
			tx.renew(entry, old)
			return
		}
	}
	if !another(old.Object, o) {
		entry.Written = old.Written
	} else {
		tx.touch(ReadWritten(ref)) // nothing has been said of it
	}
	tx.objects.Insert(objectKey(ref), entry)
	tx.changed = true
	if what.content {
		tx.reindex(ref, old.Object, o)
		tx.touch(ReadObject(ref))
	}
	if what.status {
		tx.touch(ReadStatus(ref))
	}
}

// renew keeps the newest version of an object whose difference is nobody's business but an API server's, which takes no write
// that is based on an older one.
func (tx *Tx) renew(entry, old *Entry) {
	if entry.Object.GetResourceVersion() == old.Object.GetResourceVersion() {
		return
	}
	entry.Written = old.Written
	tx.objects.Insert(objectKey(entry.Ref), entry)
	tx.renewed = true
}

// another says that an object is not the one whose name it has: that one was being deleted, or an API server gave it another uid.
func another(old, o Object) bool {
	if FromServer(old) && FromServer(o) {
		return old.GetUID() != o.GetUID()
	}
	return old.GetDeletionTimestamp() != nil && o.GetDeletionTimestamp() == nil
}

// FromServer says that an object is an API server's, which alone decides when it is gone.
func FromServer(o Object) bool { return o.GetResourceVersion() != "" }

// Delete removes an object and what was written about it. Deleting what is not there is nothing.
func (tx *Tx) Delete(ref Ref) {
	old := tx.Get(ref)
	if old == nil {
		return
	}
	tx.objects.Delete(objectKey(ref))
	tx.reindex(ref, old.Object, nil)
	tx.touch(ReadObject(ref))
	tx.touchLists(ref)
	if old.Written != nil {
		tx.touch(ReadWritten(ref))
	}
}

// Remove deletes as an API server does: an object that controllers have put finalizers on stays, as one that is being
// deleted, until the last of them is gone. The finalizers that it came with count for nothing: nobody is there to remove them.
func (tx *Tx) Remove(ref Ref, at time.Time) {
	old := tx.Get(ref)
	if old == nil || !old.kept() {
		tx.Delete(ref)
		return
	}
	if old.Object.GetDeletionTimestamp() != nil {
		return
	}
	leaving, _ := old.Object.DeepCopyObject().(Object)
	when := metav1.NewTime(at.UTC().Truncate(time.Second))
	leaving.SetDeletionTimestamp(&when)
	tx.put(ref.Cluster, leaving, old.Origin, old.LastKnown)
}

// kept says that controllers want the object to outlive its deletion.
func (e *Entry) kept() bool { return e.Written != nil && len(e.Written.Finalizers) > 0 }

// Write replaces what controllers say of an object. It is dropped, and false returned, if the object is gone. An object that is
// being deleted goes with its last finalizer; one that had none, as a Pod that terminates, goes when its owner lets it, and one
// of an API server when that says so.
func (tx *Tx) Write(ref Ref, w *Written) bool {
	old := tx.Get(ref)
	if old == nil {
		return false
	}
	if old.Object.GetDeletionTimestamp() != nil && !FromServer(old.Object) && old.kept() && (w == nil || len(w.Finalizers) == 0) {
		tx.Delete(ref)
		return true
	}
	if reflect.DeepEqual(old.Written, w) {
		return true
	}
	entry := *old
	entry.Written = w
	entry.Revision = tx.revision
	tx.objects.Insert(objectKey(ref), &entry)
	tx.touch(ReadWritten(ref))
	return true
}

func (tx *Tx) touch(key string) {
	tx.touched[key] = struct{}{}
	tx.changed = true
}

func (tx *Tx) touchLists(r Ref) {
	tx.touch(ReadList(r.Kind, "", ""))
	tx.touch(ReadList(r.Kind, r.Cluster, ""))
	tx.touch(ReadList(r.Kind, r.Cluster, r.Namespace))
	tx.touch(ReadList(r.Kind, "", r.Namespace))
}

// reindex moves an object from its old index keys to its new ones; only keys that change are touched.
func (tx *Tx) reindex(ref Ref, old, next Object) {
	for _, ix := range tx.store.indexes[ref.Kind] {
		before, after := indexKeys(ix, ref, old), indexKeys(ix, ref, next)
		for key := range before {
			if !after[key] {
				tx.indexes.Delete(indexKey(ix.Name, key, ref))
				tx.touch(ReadIndex(ix.Name, key))
			}
		}
		for key := range after {
			if !before[key] {
				tx.indexes.Insert(indexKey(ix.Name, key, ref), ref)
				tx.touch(ReadIndex(ix.Name, key))
			}
		}
	}
}

func indexKeys(ix Index, ref Ref, o Object) map[string]bool {
	keys := map[string]bool{}
	if o != nil {
		for _, k := range ix.Keys(ref, o) {
			keys[k] = true
		}
	}
	return keys
}

func indexKey(index, key string, ref Ref) []byte {
	return []byte(index + "\x00" + key + "\x00" + string(objectKey(ref)))
}
