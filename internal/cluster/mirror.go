package cluster

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// mirror makes one kind of a member in the store what a reflector says that it is.
type mirror struct {
	store   *store.Store
	cluster string // in the store
	kind    string
	install string
	// listed is told after the kind has been listed, moved when Nodes may stand elsewhere than before.
	listed func()
	moved  func()
}

var _ cache.TransformingStore = (*mirror)(nil)

// Transformer implements cache.TransformingStore: lists that are streamed are slimmed as they come.
func (m *mirror) Transformer() cache.TransformFunc {
	return func(o any) (any, error) {
		if object, ok := o.(store.Object); ok {
			slim(object)
		}
		return o, nil
	}
}

// Add implements cache.ReflectorStore.
func (m *mirror) Add(o any) error { return m.Update(o) }

// Update implements cache.ReflectorStore.
func (m *mirror) Update(o any) error {
	object, err := m.object(o)
	if err != nil {
		return err
	}
	moved := false
	m.store.Commit(func(tx *store.Tx) { moved = m.put(tx, object) })
	if moved {
		m.moved()
	}
	return nil
}

// Delete implements cache.ReflectorStore. The name of an object that was made anew here is not the server's to delete.
func (m *mirror) Delete(o any) error {
	object, err := m.object(o)
	if err != nil {
		return err
	}
	ref := store.RefTo(m.cluster, object)
	m.store.Commit(func(tx *store.Tx) {
		if e := tx.Get(ref); e != nil && fromServer(e) {
			tx.Delete(ref)
		}
	})
	if m.kind == kind.Node {
		m.moved()
	}
	return nil
}

// Replace implements cache.ReflectorStore: what a list does not have any more was deleted.
func (m *mirror) Replace(list []any, _ string) error {
	objects := make([]store.Object, 0, len(list))
	for _, o := range list {
		object, err := m.object(o)
		if err != nil {
			return err
		}
		objects = append(objects, object)
	}
	m.store.Commit(func(tx *store.Tx) {
		there := make(map[store.Ref]struct{}, len(objects))
		for _, object := range objects {
			there[store.RefTo(m.cluster, object)] = struct{}{}
			m.put(tx, object)
		}
		m.drop(tx, func(ref store.Ref) bool { _, still := there[ref]; return still })
		setListed(tx, m.cluster, m.kind)
	})
	m.listed()
	if m.kind == kind.Node {
		m.moved()
	}
	return nil
}

// Resync implements cache.ReflectorStore; nothing is ever done again.
func (m *mirror) Resync() error { return nil }

func (m *mirror) object(o any) (store.Object, error) {
	object, ok := o.(store.Object)
	if !ok {
		return nil, fmt.Errorf("%s of %s: unexpected %T", m.kind, m.cluster, o)
	}
	slim(object)
	return object, nil
}

// put puts a server's object; what has another UID is another object of the name, of which nothing has been said. It says whether
// a Node stands elsewhere than before.
func (m *mirror) put(tx *store.Tx, o store.Object) (moved bool) {
	ref := store.RefTo(m.cluster, o)
	old := tx.Get(ref)
	if old != nil && fromServer(old) && old.Object.GetUID() != o.GetUID() {
		tx.Delete(ref)
	}
	tx.Put(m.cluster, o, status.OriginOf(o, m.install))
	return m.kind == kind.Node && (old == nil || !samePlace(old.Object, o))
}

func samePlace(a, b store.Object) bool {
	x, y := a.GetLabels(), b.GetLabels()
	return x[corev1.LabelTopologyRegion] == y[corev1.LabelTopologyRegion] && x[corev1.LabelTopologyZone] == y[corev1.LabelTopologyZone]
}

// drop deletes the server's objects of the kind, but those to keep.
func (m *mirror) drop(tx *store.Tx, keep func(store.Ref) bool) {
	var gone []store.Ref
	tx.Walk(m.kind, m.cluster, "", func(e *store.Entry) bool {
		if e.Ref.Cluster == m.cluster && fromServer(e) && !keep(e.Ref) {
			gone = append(gone, e.Ref)
		}
		return true
	})
	for _, ref := range gone {
		tx.Delete(ref)
	}
}

// mark says when the server's objects of the kind were seen last; those that are marked already stay as old as they are.
func (m *mirror) mark(tx *store.Tx, seen time.Time) {
	var found []*store.Entry
	tx.Walk(m.kind, m.cluster, "", func(e *store.Entry) bool {
		if e.Ref.Cluster == m.cluster && fromServer(e) && e.LastKnown.IsZero() {
			found = append(found, e)
		}
		return true
	})
	for _, e := range found {
		tx.PutLastKnown(e.Ref.Cluster, e.Object, e.Origin, seen)
	}
}

// fromServer tells objects that an API server has from those that are wanted there and on their way.
func fromServer(e *store.Entry) bool { return e.Object.GetResourceVersion() != "" }

// setListed says that a kind is listed: that needs no fact.
func setListed(tx *store.Tx, cluster, ref string) { tx.SetFact(fact.Listed(cluster, ref), nil) }
