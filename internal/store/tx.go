package store

import (
	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// Tx is one commit in the making. It is valid inside Commit's function only.
type Tx struct {
	store    *Store
	revision uint64
	objects  *iradix.Txn[*Entry]
	indexes  *iradix.Txn[Ref]
	facts    *iradix.Txn[factEntry]
	touched  map[string]struct{}
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

// Put adds or replaces an object. What controllers wrote about it stays.
func (tx *Tx) Put(cluster string, o Object, origin string) {
	ref := RefTo(cluster, o)
	old := tx.Get(ref)
	entry := &Entry{Ref: ref, Object: o, Origin: origin, Revision: tx.revision}
	if old != nil {
		entry.Written = old.Written
		tx.reindex(ref, old.Object, o)
	} else {
		tx.reindex(ref, nil, o)
		tx.touchLists(ref)
	}
	tx.objects.Insert(objectKey(ref), entry)
	tx.touch(ReadObject(ref))
}

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

// Write replaces what controllers say of an object. It is dropped, and false returned, if the object is gone.
func (tx *Tx) Write(ref Ref, w *Written) bool {
	old := tx.Get(ref)
	if old == nil {
		return false
	}
	entry := *old
	entry.Written = w
	entry.Revision = tx.revision
	tx.objects.Insert(objectKey(ref), &entry)
	tx.touch(ReadWritten(ref))
	return true
}

func (tx *Tx) touch(key string) { tx.touched[key] = struct{}{} }

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
