package status

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/spillway-lb/spillway/internal/store"
)

// LastReconcileTime is the annotation that the writer adds to objects that have others of its prefix (Gateways), and
// stamps when it writes something else to them.
const LastReconcileTime = reconciledPrefix + "last-reconcile-time"

const reconciledPrefix = "networking.gke.io/"

// written returns what is to be said of an object; it returns what is said already if that is it. Objects are written before what
// is said of them, which waits for proxies: until then an earlier process's word counts. The second result says that all of it
// was said before.
func (x *wanted) written(entry *store.Entry, ours []string, now time.Time) (*store.Written, bool) {
	if !x.told {
		return entry.Written, true
	}
	if x.status == nil && len(x.conditions) == 0 && x.annotations == nil && x.finalizers == nil {
		return nil, entry.Written == nil
	}
	old := entry.Written
	if old == nil {
		old = x.found(entry.Object)
	}
	next := &store.Written{
		Status:      Stamp(x.statusOf(entry), old.Status, now),
		Annotations: maps.Clone(x.annotations),
		Finalizers:  slices.Clone(x.finalizers),
	}
	if x.status == nil {
		next.Conditions = slices.Sorted(maps.Keys(x.conditions))
	}
	keepForeign(next.Status, entry.Object, ours)
	fillLists(reflect.ValueOf(next.Status))
	reconciles := slices.ContainsFunc(slices.Collect(maps.Keys(x.annotations)), func(key string) bool {
		return strings.HasPrefix(key, reconciledPrefix)
	})
	if reconciles {
		next.Annotations[LastReconcileTime] = old.Annotations[LastReconcileTime]
	}
	switch {
	case !sameWritten(old, next):
	case entry.Written != nil:
		return old, true
	case store.FromServer(entry.Object):
		return next, true
	}
	if reconciles {
		next.Annotations[LastReconcileTime] = now.UTC().Format(time.RFC3339)
	}
	return next, false
}

// found is what an object says of itself, as far as something is wanted of it.
func (x *wanted) found(o store.Object) *store.Written {
	w := &store.Written{Status: Of(o)}
	if x.status == nil {
		w.Conditions = slices.Sorted(maps.Keys(x.conditions))
	}
	if !store.FromServer(o) {
		return w // a file's: nobody has said that yet
	}
	live := o.GetAnnotations()
	for _, key := range append(slices.Collect(maps.Keys(x.annotations)), LastReconcileTime) {
		if value, ok := live[key]; ok {
			if w.Annotations == nil {
				w.Annotations = map[string]string{}
			}
			w.Annotations[key] = value
		}
	}
	for _, f := range x.finalizers {
		if slices.Contains(o.GetFinalizers(), f) {
			w.Finalizers = append(w.Finalizers, f)
		}
	}
	return w
}

func sameWritten(a, b *store.Written) bool {
	return maps.Equal(a.Annotations, b.Annotations) && slices.Equal(a.Finalizers, b.Finalizers) &&
		slices.Equal(a.Conditions, b.Conditions) && equality.Semantic.DeepEqual(a.Status, b.Status)
}

// statusOf is what is wanted of the status: one writer's whole, with the conditions of others; or the object's own, if there
// are conditions alone.
func (x *wanted) statusOf(entry *store.Entry) any {
	if len(x.conditions) == 0 {
		return x.status
	}
	status := x.status
	if status == nil {
		if status = Of(entry.Object); status == nil {
			return nil
		}
	}
	status = deepCopy(status)
	list := reflect.ValueOf(status).Elem().FieldByName("Conditions")
	if !list.IsValid() || list.Kind() != reflect.Slice {
		return status
	}
	for _, name := range slices.Sorted(maps.Keys(x.conditions)) {
		setCondition(list, name, reflect.ValueOf(x.conditions[name]))
	}
	return status
}

// setCondition replaces the condition of a type in a list, or adds it. One of another struct than the list's is a defect.
func setCondition(list reflect.Value, name string, condition reflect.Value) {
	for i := range list.Len() {
		if list.Index(i).FieldByName("Type").String() == name {
			list.Index(i).Set(condition)
			return
		}
	}
	list.Set(reflect.Append(list, condition))
}
