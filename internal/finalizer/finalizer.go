// Package finalizer decides how long an object that somebody has deleted has to stay: until nothing that was made of it is
// left at any proxy.
//
// In: the object, and how far the proxies are with what was published for it. Out: the finalizer that is wanted, or none.
//
//	writes = append(writes, finalizer.Of(v, ref, gateway, name))
//
// The decision is the same for a directory and for an API server. What differs is who keeps the object: an API server does so
// by itself, for a directory the store does (Tx.Remove).
package finalizer

import (
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Deleted says that an object is only waiting for its finalizers. Whoever makes resources of objects takes it for gone.
func Deleted(o store.Object) bool { return o.GetDeletionTimestamp() != nil }

// There says that an object exists and is to stay.
func There(v *recompute.View, ref store.Ref) bool {
	o := v.Get(ref)
	return o != nil && !Deleted(o)
}

// Of is the wish for a finalizer of an object that resources are published for.
func Of(v *recompute.View, ref store.Ref, o store.Object, name string) recompute.Write {
	_, left := Left(v, ref)
	return recompute.Write{Ref: ref, Part: recompute.PartFinalizers, Value: wanted(Deleted(o), left, name)}
}

// Left is how far the proxies are with what was published for an object; ok is false if nothing of it is left anywhere.
func Left(v *recompute.View, ref store.Ref) (progress fact.Progress, ok bool) {
	return recompute.Fact[fact.Progress](v, fact.ProgressOf(ref))
}

// wanted is an empty list, not none, for what may go: an earlier process may have asked for more.
func wanted(deleted, left bool, name string) []string {
	if deleted && !left {
		return []string{}
	}
	return []string{name}
}
