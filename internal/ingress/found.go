package ingress

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitFound is an object that Ingresses name, as far as it is known. Its key is the object's Ref, its value a found. After a restart it
// is what it was until the kind is listed, and so is that there was none; the first time it is held until then.
const unitFound = "ingress.found"

type found struct {
	// Object is nil if there is none.
	Object store.Object
	// Waits: this is what an earlier process knew.
	Waits bool
}

func translateFound(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	object := v.Get(ref)
	switch last := v.Good(); {
	case object != nil:
		return recompute.Result{State: recompute.Present, Value: found{Object: object}, Good: object}
	case !fact.Pending(v, ref.Cluster, ref.Kind):
	case last == nil:
		return recompute.Result{State: recompute.Held}
	case v.Unseen() == nil: // it was here, and went
	case isNothing(last):
		return recompute.Result{State: recompute.Present, Value: found{Waits: true}, Good: last}
	default:
		return recompute.Result{State: recompute.Present, Value: found{last, true}, Good: last}
	}
	return recompute.Result{State: recompute.Present, Value: found{}, Good: nothing()}
}

// nothing is what is remembered of an object that there was not: one without a name.
func nothing() store.Object {
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}}
}

func isNothing(o store.Object) bool { return o.GetName() == "" }

// get is an object that the Ingress names, nil if there is none. As long as that is not known the reader holds.
func (r *reader) get(ref store.Ref) store.Object {
	f, _ := recompute.Known[found](r.view, unitFound, ref.String())
	r.plan.Waits = r.plan.Waits || f.Waits
	return f.Object
}

// foundAs is reader.get with the object's type.
func foundAs[T store.Object](r *reader, ref store.Ref) (object T, ok bool) {
	object, ok = r.get(ref).(T)
	return object, ok
}
