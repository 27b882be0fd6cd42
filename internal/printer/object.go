package printer

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
)

// Object is one object's content.
type Object = *unstructured.Unstructured

// List is objects of one kind, in the order they are to be printed in.
type List struct {
	Kind    *Kind
	Objects []Object
	// Problems, by NAMESPACE/NAME, are what is not in order and no condition says; -o wide shows them.
	Problems map[string][]string
}

// problemsOf are those of an object.
func (l List) problemsOf(o Object) []string { return l.Problems[o.GetNamespace()+"/"+o.GetName()] }

// typed converts an object to its Go type. An object that does not convert was not stored as that kind; it reads as
// empty.
func typed[T any](o Object) *T {
	out := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, out); err != nil {
		return new(T)
	}
	return out
}

// since is an age as kubectl writes it.
func since(t metav1.Time, now time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(now.Sub(t.Time))
}

// sinceText is since for an RFC 3339 string.
func sinceText(s string, now time.Time) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "<invalid>"
	}
	return since(metav1.NewTime(t), now)
}
