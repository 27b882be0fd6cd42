package store_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

func service(namespace, name, app string) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}},
	}
}

func newStore() *store.Store {
	return store.New(store.Index{Name: "app", Kind: "Service", Keys: func(_ store.Ref, o store.Object) []string {
		return []string{o.GetLabels()["app"]}
	}})
}

func ref(cluster, namespace, name string) store.Ref {
	return store.Ref{Cluster: cluster, Kind: "Service", Namespace: namespace, Name: name}
}

func TestSnapshotsDoNotChange(t *testing.T) {
	s := newStore()
	before := s.Commit(func(tx *store.Tx) { tx.Put("west", service("a", "x", "1"), "f.yaml:1") })
	after := s.Commit(func(tx *store.Tx) { tx.Delete(ref("west", "a", "x")) })
	if before.Get(ref("west", "a", "x")) == nil {
		t.Error("the older snapshot lost its object")
	}
	if after.Get(ref("west", "a", "x")) != nil {
		t.Error("the newer snapshot kept a deleted object")
	}
}

func TestListsByClusterAndNamespace(t *testing.T) {
	s := newStore()
	snapshot := s.Commit(func(tx *store.Tx) {
		tx.Put("west", service("a", "x", "1"), "")
		tx.Put("west", service("b", "x", "1"), "")
		tx.Put("west2", service("a", "x", "2"), "")
	})
	for _, c := range []struct {
		cluster, namespace string
		want               int
	}{{"", "", 3}, {"west", "", 2}, {"west", "a", 1}, {"", "a", 2}, {"wes", "", 0}} {
		if got := snapshot.List("Service", c.cluster, c.namespace); len(got) != c.want {
			t.Errorf("List(%q, %q) = %v, want %d", c.cluster, c.namespace, got, c.want)
		}
	}
	if got := snapshot.Kinds(); !slices.Equal(got, []string{"Service"}) {
		t.Errorf("Kinds() = %v", got)
	}
}

func TestIndexFollowsTheObject(t *testing.T) {
	s := newStore()
	s.Commit(func(tx *store.Tx) { tx.Put("west", service("a", "x", "1"), "") })
	sub := s.Subscribe()
	sub.Take()
	snapshot := s.Commit(func(tx *store.Tx) { tx.Put("west", service("a", "x", "2"), "") })
	if got := snapshot.Index("app", "1"); len(got) != 0 {
		t.Errorf("old key still has %v", got)
	}
	if got := snapshot.Index("app", "2"); len(got) != 1 {
		t.Errorf("new key has %v", got)
	}
	_, touched := sub.Take()
	for _, read := range []string{store.ReadIndex("app", "1"), store.ReadIndex("app", "2"), store.ReadObject(ref("west", "a", "x"))} {
		if !slices.Contains(touched, read) {
			t.Errorf("%q was not touched: %q", read, touched)
		}
	}
	if slices.Contains(touched, store.ReadList("Service", "west", "a")) {
		t.Error("a change of content touched the list of names")
	}
}

func TestWrittenIsAReadOfItsOwn(t *testing.T) {
	s := newStore()
	s.Commit(func(tx *store.Tx) { tx.Put("west", service("a", "x", "1"), "") })
	sub := s.Subscribe()
	sub.Take()
	s.Commit(func(tx *store.Tx) { tx.Write(ref("west", "a", "x"), &store.Written{Finalizers: []string{"f"}}) })
	if _, touched := sub.Take(); !slices.Equal(touched, []string{store.ReadWritten(ref("west", "a", "x"))}) {
		t.Errorf("a status write touched %q", touched)
	}
	snapshot := s.Commit(func(tx *store.Tx) { tx.Put("west", service("a", "x", "2"), "") })
	if e := snapshot.Get(ref("west", "a", "x")); e.Written == nil {
		t.Error("a new spec dropped what was written")
	}
	s.Commit(func(tx *store.Tx) {
		if tx.Write(ref("west", "a", "gone"), &store.Written{}) {
			t.Error("wrote about an object that is not there")
		}
	})
}

func TestSubscriptionStartsWithWhatIsThere(t *testing.T) {
	s := newStore()
	s.Commit(func(tx *store.Tx) { tx.Put("west", service("a", "x", "1"), "") })
	snapshot, touched := s.Subscribe().Take()
	if snapshot.Get(ref("west", "a", "x")) == nil || !slices.Contains(touched, store.ReadObject(ref("west", "a", "x"))) {
		t.Errorf("touched %q", touched)
	}
}

func TestAnEmptyCommitMakesNoRevision(t *testing.T) {
	s := newStore()
	before := s.Snapshot()
	if after := s.Commit(func(tx *store.Tx) { tx.Delete(ref("west", "a", "x")) }); after != before {
		t.Error("a commit that did nothing made a snapshot")
	}
}

func TestRefRoundTrip(t *testing.T) {
	want := store.Ref{Cluster: "west", Kind: "Gateway.gateway.networking.k8s.io", Namespace: "a", Name: "x"}
	if got, ok := store.ParseRef(want.String()); !ok || got != want {
		t.Errorf("ParseRef(%q) = %v, %v", want, got, ok)
	}
	if _, ok := store.ParseRef("x/y"); ok {
		t.Error("parsed a string that is no ref")
	}
}

// TestDeletionWaitsForFinalizers deletes objects with and without, and one that somebody makes again meanwhile.
func TestDeletionWaitsForFinalizers(t *testing.T) {
	at, x := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ref("c", "n", "x")
	finalized := func(names ...string) func(*store.Tx) {
		return func(tx *store.Tx) { tx.Write(x, &store.Written{Finalizers: names}) }
	}
	put := func(tx *store.Tx) { tx.Put("c", service("n", "x", "a"), "f") }
	remove := func(tx *store.Tx) { tx.Remove(x, at) }
	for _, c := range []struct {
		name    string
		steps   []func(*store.Tx)
		there   bool
		leaving bool
		written bool
	}{
		{"no finalizer", []func(*store.Tx){put, remove}, false, false, false},
		{"nothing but a status", []func(*store.Tx){put, finalized(), remove}, false, false, false},
		{"a finalizer", []func(*store.Tx){put, finalized("a", "b"), remove, remove}, true, true, true},
		{"one of two has gone", []func(*store.Tx){put, finalized("a", "b"), remove, finalized("b")}, true, true, true},
		{"the last has gone", []func(*store.Tx){put, finalized("a"), remove, finalized()}, false, false, false},
		{"what was said has gone", []func(*store.Tx){put, finalized("a"), remove, func(tx *store.Tx) { tx.Write(x, nil) }}, false, false, false},
		{"made again", []func(*store.Tx){put, finalized("a"), remove, put}, true, false, false},
		{"changed as it was", []func(*store.Tx){put, finalized("a"), put}, true, false, true},
		{"without a deletion", []func(*store.Tx){put, finalized("a"), finalized()}, true, false, true},
	} {
		s := newStore()
		for _, step := range c.steps {
			s.Commit(step)
		}
		e := s.Snapshot().Get(x)
		if (e != nil) != c.there || e != nil && ((e.Object.GetDeletionTimestamp() != nil) != c.leaving || (e.Written != nil) != c.written) {
			t.Errorf("%s: %+v", c.name, e)
		}
		if e != nil && c.leaving && !e.Object.GetDeletionTimestamp().Time.Equal(at) {
			t.Errorf("%s: deleted at %v", c.name, e.Object.GetDeletionTimestamp())
		}
	}
}
