package store_test

import (
	"fmt"
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

// A subscriber hears which reads a commit touched, and reads the snapshot without locks.
func Example() {
	s := store.New()
	sub := s.Subscribe()
	defer s.Unsubscribe(sub)
	s.Commit(func(tx *store.Tx) { tx.Put("gke-west-1", service("shop", "cart", "cart"), "cart.yaml:1") })
	snapshot, touched := sub.Take()
	cart := store.Ref{Cluster: "gke-west-1", Kind: "Service", Namespace: "shop", Name: "cart"}
	fmt.Println(snapshot.Get(cart).Origin, len(touched) > 0)

	// What has a finalizer outlives its deletion.
	s.Commit(func(tx *store.Tx) {
		tx.Write(cart, &store.Written{Finalizers: []string{"example.com/stays"}})
		tx.Remove(cart, time.Now())
	})
	fmt.Println(s.Snapshot().Get(cart).Object.GetDeletionTimestamp() != nil)
	s.Commit(func(tx *store.Tx) { tx.Write(cart, &store.Written{Finalizers: []string{}}) })
	fmt.Println(s.Snapshot().Get(cart) == nil, snapshot.Get(cart) != nil)
	// Output:
	// cart.yaml:1 true
	// true
	// true true
}
