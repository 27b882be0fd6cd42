package status

import "github.com/spillway-lb/spillway/internal/store"

// Applier makes differences true where the objects live: a store in this process, or API servers. One Apply is one batch.
type Applier interface {
	Apply(batch func(Target))
}

// Target is the live state that a batch reads and changes; a store's transaction is one.
type Target interface {
	Get(ref store.Ref) *store.Entry
	Walk(kind, cluster, namespace string, f func(*store.Entry) bool)
	Fact(f store.Fact) any
	Facts(kind string) []string
	Put(cluster string, o store.Object, origin string)
	Delete(ref store.Ref)
	// Write replaces what controllers say of an object; it returns false if the object is gone.
	Write(ref store.Ref, w *store.Written) bool
}

// Into applies to a store.
func Into(s *store.Store) Applier { return intoStore{s} }

type intoStore struct{ store *store.Store }

func (s intoStore) Apply(batch func(Target)) {
	s.store.Commit(func(tx *store.Tx) { batch(tx) })
}
