package status

import (
	"reflect"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/store"
)

// writeObject makes a derived object exist as wanted, or go if want is nil. The user's objects are left alone.
func writeObject(t Target, ref store.Ref, want store.Object, now time.Time) {
	entry := t.Get(ref)
	switch {
	case entry != nil && entry.Origin != Origin:
	case want == nil:
		forgo(t, entry, now)
	case entry == nil:
		makeObject(t, ref, want, now)
	case store.FromServer(entry.Object):
		adapt(t, entry, want)
	default:
		replaceObject(t, entry, want)
	}
}

// forgo lets an object go that is not wanted any more: what an API server has stays, with the wish that it goes, until that says
// that it has.
func forgo(t Target, entry *store.Entry, now time.Time) {
	switch {
	case entry == nil || Doomed(entry):
	case !store.FromServer(entry.Object):
		t.Delete(entry.Ref)
	default:
		leaving := own(entry.Object)
		leaving.SetAnnotations(unmarked(leaving.GetAnnotations()))
		if leaving.GetDeletionTimestamp() == nil {
			at := metav1.NewTime(now.UTC().Truncate(time.Second))
			leaving.SetDeletionTimestamp(&at)
		}
		t.Put(entry.Ref.Cluster, leaving, Origin)
	}
}

func makeObject(t Target, ref store.Ref, want store.Object, now time.Time) {
	next := own(want)
	if store.FromServer(want) {
		next = plain(want)
	}
	if next.GetCreationTimestamp().Time.IsZero() {
		next.SetCreationTimestamp(metav1.NewTime(now.UTC().Truncate(time.Second)))
	}
	next.SetUID(uid(ref, now))
	next.SetGeneration(1)
	t.Put(ref.Cluster, next, Origin)
}

func replaceObject(t Target, entry *store.Entry, want store.Object) {
	next := own(want)
	next.SetCreationTimestamp(entry.Object.GetCreationTimestamp())
	next.SetUID(entry.Object.GetUID())
	next.SetGeneration(entry.Object.GetGeneration())
	if reflect.DeepEqual(entry.Object, next) {
		return
	}
	if !sameField(entry.Object, next, "Spec") {
		next.SetGeneration(next.GetGeneration() + 1)
	}
	t.Put(entry.Ref.Cluster, next, Origin)
}

// adapt says what an API server's object is to become, if it is not that already. One that is going has to be gone first.
func adapt(t Target, entry *store.Entry, want store.Object) {
	live := entry.Object
	switch {
	case Wish(entry) && !Doomed(entry):
		if digestOf(live) == digestOf(want) {
			return
		}
	case !Wish(entry) && (live.GetDeletionTimestamp() != nil || Applied(live, want)):
		return
	}
	next := plain(want)
	next.SetResourceVersion(live.GetResourceVersion())
	next.SetUID(live.GetUID())
	next.SetCreationTimestamp(live.GetCreationTimestamp())
	next.SetGeneration(live.GetGeneration())
	CopyStatus(next, live)
	t.Put(entry.Ref.Cluster, next, Origin)
}

// CopyStatus gives an object the status of another one of its type, if it has one.
func CopyStatus(to, from store.Object) {
	a, b := Of(to), Of(from)
	if a != nil && reflect.TypeOf(a) == reflect.TypeOf(b) {
		reflect.ValueOf(a).Elem().Set(reflect.ValueOf(b).Elem())
	}
}

// own is an object whose metadata can be set. It shares the rest: what is wanted is never changed, and may be wanted in many clusters.
func own(o store.Object) store.Object {
	of := reflect.ValueOf(o)
	if _, shared := o.(*unstructured.Unstructured); shared || of.Kind() != reflect.Pointer || of.Elem().Kind() != reflect.Struct {
		return o.DeepCopyObject().(store.Object)
	}
	next := reflect.New(of.Elem().Type())
	next.Elem().Set(of.Elem())
	return next.Interface().(store.Object)
}

// sameField compares one field of two objects of a type; a field that the type lacks is the same.
func sameField(a, b store.Object, field string) bool {
	x, y := reflect.Indirect(reflect.ValueOf(a)).FieldByName(field), reflect.Indirect(reflect.ValueOf(b)).FieldByName(field)
	if !x.IsValid() || !y.IsValid() {
		return x.IsValid() == y.IsValid()
	}
	return reflect.DeepEqual(x.Interface(), y.Interface())
}

// uid is a hash in the form of a UUID: two lives of one object differ, two objects differ.
func uid(ref store.Ref, created time.Time) types.UID {
	return types.UID(digest.UUID(ref.String() + "/" + created.UTC().Format(time.RFC3339Nano)))
}
