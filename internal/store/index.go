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
