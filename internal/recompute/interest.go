package recompute

import (
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/store"
)

// Interest is what units read of a kind. A source that asks an API server object by object, such as for Secrets, watches
// just these; it is asked anew after each round.
type Interest struct {
	// All: somebody reads the names of the kind, or a unit exists for each of its objects.
	All bool
	// Refs are the objects that are read by name, those that are missing included, in order.
	Refs []store.Ref
}

// Interest says what is read of a kind. Reads by an index are the source's to know: an index belongs to one kind.
func (e *Engine) Interest(kind string) Interest {
	in := Interest{All: len(e.roots[kind]) > 0}
	for read := range e.reads.sets {
		if ref, ok := store.ObjectOf(read); ok && ref.Kind == kind {
			in.Refs = append(in.Refs, ref)
		}
		if listed, _, _, ok := store.ListOf(read); ok && listed == kind {
			in.All = true
		}
	}
	slices.SortFunc(in.Refs, func(a, b store.Ref) int { return strings.Compare(a.String(), b.String()) })
	return in
}
