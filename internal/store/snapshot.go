package store

import (
	"strings"
	"time"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// Entry is one object and what Spillway has written about it.
type Entry struct {
	Ref    Ref
	Object Object
	// Origin says where the object came from, such as "west/gateway.yaml:12" or "standalone".
	Origin string
	// Revision is the store-wide number of the commit that last changed the entry: its resourceVersion.
	Revision uint64
	// LastKnown is when the object was last seen, if its source is away or broken now and it may have changed; else zero.
	LastKnown time.Time
	// Written is nil until a controller has written. It is replaced, never changed.
	Written *Written
}

// Written is what controllers added to an object whose spec belongs to somebody else.
type Written struct {
	// Status replaces the object's status: a pointer to its typed status struct.
	Status any
	// Conditions are the types of the only ones of the Status's conditions that are the controllers': the rest of it is somebody
	// else's, as it was when this was written. Nil: all of it is the controllers'.
	Conditions []string
	// Annotations and Finalizers are added to the object's own.
	Annotations map[string]string
	Finalizers  []string
}

// LatestStatus is the status that counts: what was written, or else the object's own.
func LatestStatus[T any](w *Written, own *T) *T {
	if w != nil {
		if status, ok := w.Status.(*T); ok {
			return status
		}
	}
	return own
}

// Snapshot is one state of the store. It is safe for any number of readers.
type Snapshot struct {
	revision uint64
	objects  *iradix.Tree[*Entry]
	indexes  *iradix.Tree[Ref]
	facts    *iradix.Tree[factEntry]
}

// Revision counts commits.
func (s *Snapshot) Revision() uint64 { return s.revision }

// Get returns nil if there is no such object.
func (s *Snapshot) Get(ref Ref) *Entry {
	e, _ := s.objects.Get(objectKey(ref))
	return e
}

// List returns the refs of a kind in order of cluster, namespace and name. An empty cluster means every cluster, an
// empty namespace every namespace.
func (s *Snapshot) List(kind, cluster, namespace string) []Ref {
	var refs []Ref
	s.Walk(kind, cluster, namespace, func(e *Entry) bool {
		refs = append(refs, e.Ref)
		return true
	})
	return refs
}

// Walk calls f for the entries that List would name until f returns false.
func (s *Snapshot) Walk(kind, cluster, namespace string, f func(*Entry) bool) {
	walk(s.objects.Root(), kind, cluster, namespace, f)
}

func walk(root *iradix.Node[*Entry], kind, cluster, namespace string, f func(*Entry) bool) {
	root.WalkPrefix(listPrefix(kind, cluster, namespace), func(_ []byte, e *Entry) bool {
		if namespace != "" && e.Ref.Namespace != namespace {
			return false
		}
		return !f(e)
	})
}

// Kinds returns every kind with at least one object, sorted.
func (s *Snapshot) Kinds() []string {
	var kinds []string
	seek := []byte(nil)
	for {
		it := s.objects.Root().Iterator()
		it.SeekLowerBound(seek)
		_, e, ok := it.Next()
		if !ok {
			return kinds
		}
		kinds = append(kinds, e.Ref.Kind)
		seek = append([]byte(e.Ref.Kind), 0x01)
	}
}

// Index returns the refs that the named index files under key, in order.
func (s *Snapshot) Index(index, key string) []Ref {
	var refs []Ref
	s.indexes.Root().WalkPrefix([]byte(index+"\x00"+key+"\x00"), func(_ []byte, r Ref) bool {
		refs = append(refs, r)
		return false
	})
	return refs
}

// objectKey orders by kind, cluster, namespace, name. NUL cannot stand in any of them.
func objectKey(r Ref) []byte {
	return []byte(r.Kind + "\x00" + r.Cluster + "\x00" + r.Namespace + "\x00" + r.Name)
}

func listPrefix(kind, cluster, namespace string) []byte {
	var b strings.Builder
	b.WriteString(kind)
	b.WriteByte(0)
	if cluster != "" {
		b.WriteString(cluster)
		b.WriteByte(0)
		if namespace != "" {
			b.WriteString(namespace)
			b.WriteByte(0)
		}
	}
	return []byte(b.String())
}
