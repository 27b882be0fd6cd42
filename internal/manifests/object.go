package manifests

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/store"
)

// uidOf is the same for the same object in every run.
func uidOf(ref store.Ref) types.UID {
	sum := sha256.Sum256([]byte(strings.Join([]string{ref.Cluster, ref.Kind, ref.Namespace, ref.Name}, "\x00")))
	sum[6] = sum[6]&0x0f | 0x80 // version 8: made by the application's own rule
	sum[8] = sum[8]&0x3f | 0x80
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
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
