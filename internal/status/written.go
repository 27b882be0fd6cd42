package status

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

// LastReconcileTime is the annotation that the writer adds to objects that have others of its prefix (Gateways), and
// stamps when it writes something else to them.
const LastReconcileTime = reconciledPrefix + "last-reconcile-time"

const reconciledPrefix = "networking.gke.io/"

// written returns what is to be said of an object; it returns what is said already if that is it.
func (x *wanted) written(entry *store.Entry, now time.Time) *store.Written {
	if x.status == nil && x.annotations == nil && x.finalizers == nil {
		return nil
	}
	old := entry.Written
	if old == nil {
		old = &store.Written{Status: ownStatus(entry.Object)}
	}
	next := &store.Written{
		Status:      Stamp(x.status, old.Status, now),
		Annotations: maps.Clone(x.annotations),
		Finalizers:  slices.Clone(x.finalizers),
	}
	keepForeign(next.Status, entry.Object)
	fillLists(reflect.ValueOf(next.Status))
	reconciles := slices.ContainsFunc(slices.Collect(maps.Keys(x.annotations)), func(key string) bool {
		return strings.HasPrefix(key, reconciledPrefix)
	})
	if reconciles {
		next.Annotations[LastReconcileTime] = old.Annotations[LastReconcileTime]
	}
	if entry.Written != nil && sameWritten(old, next) {
		return old
	}
	if reconciles {
		next.Annotations[LastReconcileTime] = now.UTC().Format(time.RFC3339)
	}
	return next
}

func sameWritten(a, b *store.Written) bool {
	return maps.Equal(a.Annotations, b.Annotations) && slices.Equal(a.Finalizers, b.Finalizers) &&
		reflect.DeepEqual(a.Status, b.Status)
}
