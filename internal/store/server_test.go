package store_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

// TestAnAPIServerSaysWhenItsObjectIsGone: the last finalizer takes away what nobody else keeps, but not what an API server has.
func TestAnAPIServerSaysWhenItsObjectIsGone(t *testing.T) {
	for _, version := range []string{"", "7"} {
		s := store.New()
		o := change(gateway, func(g *gatewayv1.Gateway) { g.ResourceVersion, g.DeletionTimestamp = version, &metav1.Time{} })
		ref := store.RefTo("west", o)
		s.Commit(func(tx *store.Tx) {
			tx.Put("west", o, "")
			tx.Write(ref, &store.Written{Finalizers: []string{"f"}})
		})
		s.Commit(func(tx *store.Tx) { tx.Write(ref, &store.Written{Finalizers: []string{}}) })
		if there := s.Snapshot().Get(ref) != nil; there != (version != "") {
			t.Errorf("resourceVersion %q: there: %t", version, there)
		}
	}
}

// TestWhatWasSaidOfAnObjectIsNotSaidOfTheNext: they have one name, and another uid; nobody need have seen the first one go.
func TestWhatWasSaidOfAnObjectIsNotSaidOfTheNext(t *testing.T) {
	s := store.New()
	put := func(set func(*gatewayv1.Gateway)) {
		s.Commit(func(tx *store.Tx) { tx.Put("west", change(gateway, set), "") })
	}
	put(func(g *gatewayv1.Gateway) { g.UID, g.ResourceVersion = "a", "1" })
	ref := store.RefTo("west", gateway())
	s.Commit(func(tx *store.Tx) { tx.Write(ref, &store.Written{Finalizers: []string{"f"}}) })
	put(func(g *gatewayv1.Gateway) { g.UID, g.ResourceVersion = "a", "2" })
	if s.Snapshot().Get(ref).Written == nil {
		t.Error("another version of the object has lost what was said of it")
	}
	sub := s.Subscribe()
	sub.Take()
	put(func(g *gatewayv1.Gateway) { g.UID, g.ResourceVersion = "b", "3" })
	if s.Snapshot().Get(ref).Written != nil {
		t.Error("it is said of another object")
	}
	if _, touched := sub.Take(); !slices.Contains(touched, store.ReadWritten(ref)) {
		t.Errorf("touched %q", touched)
	}
}

// TestWhatControllersSaidComesBackAsNoNews: an API server sends what was written to it.
func TestWhatControllersSaidComesBackAsNoNews(t *testing.T) {
	s := store.New()
	s.Commit(func(tx *store.Tx) { tx.Put("west", gateway(), "") })
	ref := store.RefTo("west", gateway())
	s.Commit(func(tx *store.Tx) {
		tx.Write(ref, &store.Written{Annotations: map[string]string{"said": "x"}, Finalizers: []string{"f"}})
	})
	sub := s.Subscribe()
	sub.Take()
	put := func(set func(*gatewayv1.Gateway)) []string {
		s.Commit(func(tx *store.Tx) { tx.Put("west", change(gateway, set), "") })
		_, touched := sub.Take()
		return touched
	}
	echo := func(g *gatewayv1.Gateway) {
		g.ResourceVersion, g.Annotations["said"], g.Finalizers = "2", "x", []string{"f"}
	}
	if touched := put(echo); touched != nil {
		t.Errorf("the echo touched %q", touched)
	}
	if e := s.Snapshot().Get(ref); e.Object.GetAnnotations()["said"] != "x" || e.Written == nil {
		t.Errorf("the store has %v", e.Object.GetAnnotations())
	}
	if touched := put(func(g *gatewayv1.Gateway) { echo(g); g.Annotations["said"] = "somebody else's" }); !slices.Contains(touched, store.ReadObject(ref)) {
		t.Errorf("another value touched %q", touched)
	}
}
