package manifests

import (
	"reflect"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/store"
)

// uidOf is the same for the same object in every run.
func uidOf(ref store.Ref) types.UID {
	return types.UID(digest.UUID(strings.Join([]string{ref.Cluster, ref.Kind, ref.Namespace, ref.Name}, "\x00")))
}

// stamp gives an object that is about to be published what an API server would: uid, creation time, generation.
func stamp(o store.Object, ref store.Ref, old store.Object, counts bool, seen time.Time) {
	o.SetUID(uidOf(ref))
	if created := o.GetCreationTimestamp(); created.IsZero() {
		o.SetCreationTimestamp(metav1.NewTime(seen.UTC().Truncate(time.Second)))
		if old != nil {
			o.SetCreationTimestamp(old.GetCreationTimestamp())
		}
	}
	if !counts {
		return
	}
	o.SetGeneration(1)
	if old != nil {
		o.SetGeneration(old.GetGeneration())
		if !sameSpec(old, o) {
			o.SetGeneration(old.GetGeneration() + 1)
		}
	}
}

// sameSpec compares everything but type, metadata and status.
func sameSpec(a, b store.Object) bool {
	va, vb := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	if va.Type() != vb.Type() {
		return false
	}
	for i := range va.NumField() {
		switch va.Type().Field(i).Name {
		case "TypeMeta", "ObjectMeta", "Status":
			continue
		}
		if !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			return false
		}
	}
	return true
}
