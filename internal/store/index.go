package store

// Index files objects under keys of the caller's choice, over all clusters.
type Index struct {
	// Name is unique in a store.
	Name string
	// Kind is the only kind the index looks at.
	Kind string
	// Keys returns the keys of one object; it must depend on nothing else.
	Keys func(Ref, Object) []string
}

// Read keys: the units of invalidation. A reader that wants to be told of a change of what it read, or found missing,
// keeps these.

// ReadObject is the read of an object's content (not of what controllers wrote about it).
func ReadObject(r Ref) string { return "o\x00" + r.String() }

// ReadWritten is the read of what controllers wrote about an object.
func ReadWritten(r Ref) string { return "w\x00" + r.String() }

// ReadIndex is the read of the members of an index key.
func ReadIndex(index, key string) string { return "i\x00" + index + "\x00" + key }

// ReadList is the read of the names of a kind in one cluster and namespace; either may be "" for all.
func ReadList(kind, cluster, namespace string) string {
	return "l\x00" + kind + "\x00" + cluster + "\x00" + namespace
}
