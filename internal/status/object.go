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
	if entry != nil && entry.Origin != Origin {
		return
	}
	if want == nil {
		t.Delete(ref)
		return
	}
	next := own(want)
	if entry == nil {
		if next.GetCreationTimestamp().Time.IsZero() {
			next.SetCreationTimestamp(metav1.NewTime(now.UTC().Truncate(time.Second)))
		}
		next.SetUID(uid(ref, now))
		next.SetGeneration(1)
		t.Put(ref.Cluster, next, Origin)
		return
	}
	next.SetCreationTimestamp(entry.Object.GetCreationTimestamp())
	next.SetUID(entry.Object.GetUID())
	next.SetGeneration(entry.Object.GetGeneration())
	if reflect.DeepEqual(entry.Object, next) {
		return
	}
	if !sameField(entry.Object, next, "Spec") {
		next.SetGeneration(next.GetGeneration() + 1)
	}
	t.Put(ref.Cluster, next, Origin)
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
