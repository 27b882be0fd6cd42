package status

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/store"
)

// A derived object of a cluster with an API server is in the store as that has it, with the install's mark, or as a wish, without
// it: as it is to be, with the identity of what is there, if anything is; or with a deletionTimestamp, if it is to go. What an API
// server says next takes the wish's place, and the writer wishes again if that is not what it wants.

// Wish says that a derived object is not, or not known to be, what its API server has.
func Wish(e *store.Entry) bool {
	_, marked := e.Object.GetAnnotations()[InstallAnnotation]
	return e.Origin == Origin && !marked
}

// Doomed says that a derived object is to be deleted where it lives.
func Doomed(e *store.Entry) bool {
	return Wish(e) && store.FromServer(e.Object) && e.Object.GetDeletionTimestamp() != nil
}

// appliedAnnotation tells what an object was made to be: what was taken back since can be told from what an API server added.
const appliedAnnotation = "spillway.dev/applied"

// Mark is a wanted object with the marks of the install that makes it.
func Mark(want store.Object, install string) store.Object {
	next := plain(want)
	annotations := maps.Clone(next.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[InstallAnnotation], annotations[appliedAnnotation] = install, digestOf(want)
	next.SetAnnotations(annotations)
	labels := maps.Clone(next.GetLabels())
	if labels[labelManagedBy] == "" {
		if labels == nil {
			labels = map[string]string{}
		}
		labels[labelManagedBy] = managedBy
		next.SetLabels(labels)
	}
	return next
}

// What the install's objects have for kubectl's selectors, unless they say something else. It decides nothing.
const (
	labelManagedBy = "app.kubernetes.io/managed-by"
	managedBy      = "spillway"
)

// Applied says that an API server's object is as wanted: it was made to be that, and nobody has changed what is wanted of it.
func Applied(live, want store.Object) bool {
	if _, marked := live.GetAnnotations()[InstallAnnotation]; !marked || live.GetAnnotations()[appliedAnnotation] != digestOf(want) {
		return false
	}
	return reflect.TypeOf(live) != reflect.TypeOf(want) || coversObject(live, plain(want))
}

// plain is an object without what an API server says of it, and without marks.
func plain(o store.Object) store.Object {
	next := own(o)
	next.SetUID("")
	next.SetResourceVersion("")
	next.SetGeneration(0)
	next.SetCreationTimestamp(metav1.Time{})
	next.SetDeletionTimestamp(nil)
	next.SetDeletionGracePeriodSeconds(nil)
	next.SetManagedFields(nil)
	next.SetAnnotations(unmarked(next.GetAnnotations()))
	if status := Of(next); status != nil {
		reflect.ValueOf(status).Elem().SetZero()
	}
	return next
}

// unmarked are annotations without marks.
func unmarked(annotations map[string]string) map[string]string {
	_, marked := annotations[InstallAnnotation]
	_, applied := annotations[appliedAnnotation]
	if !marked && !applied {
		return annotations
	}
	rest := maps.Clone(annotations)
	delete(rest, InstallAnnotation)
	delete(rest, appliedAnnotation)
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// digestOf is the same for equal content.
func digestOf(o store.Object) string {
	b, err := json.Marshal(plain(o))
	if err != nil {
		return "" // no object of an API is like that
	}
	return digest.Hex(string(b), 16)
}

// coversObject says that an object has all that is wanted: it may have more, as an API server's defaults are.
func coversObject(live, want store.Object) bool {
	if !coversMap(live.GetLabels(), want.GetLabels()) || !coversMap(live.GetAnnotations(), want.GetAnnotations()) {
		return false
	}
	for _, f := range want.GetFinalizers() {
		if !slices.Contains(live.GetFinalizers(), f) {
			return false
		}
	}
	for _, owner := range want.GetOwnerReferences() {
		if !slices.ContainsFunc(live.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == owner.UID }) {
			return false
		}
	}
	a, b := reflect.ValueOf(live).Elem(), reflect.ValueOf(want).Elem()
	for i := range b.NumField() {
		switch b.Type().Field(i).Name {
		case "TypeMeta", "ObjectMeta", "Status":
			continue
		}
		if !covers(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}

func coversMap(live, want map[string]string) bool {
	for key, value := range want {
		if got, ok := live[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// covers compares a value with what is wanted of it. Nothing is wanted where that is zero; of lists, all elements are.
func covers(live, want reflect.Value) bool {
	if want.IsZero() {
		return true
	}
	switch want.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !live.IsNil() && covers(live.Elem(), want.Elem())
	case reflect.Struct:
		return coversStruct(live, want)
	case reflect.Slice:
		if live.Len() != want.Len() {
			return false
		}
		for i := range want.Len() {
			if !covers(live.Index(i), want.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		for _, key := range want.MapKeys() {
			value := live.MapIndex(key)
			if !value.IsValid() || !covers(value, want.MapIndex(key)) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(live.Interface(), want.Interface())
}

// coversStruct compares field by field; what hides its fields, as a time or a quantity does, as a whole.
func coversStruct(live, want reflect.Value) bool {
	for i := range want.NumField() {
		if !want.Type().Field(i).IsExported() {
			return equalQuietly(live.Interface(), want.Interface())
		}
	}
	for i := range want.NumField() {
		if !covers(live.Field(i), want.Field(i)) {
			return false
		}
	}
	return true
}

func equalQuietly(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
