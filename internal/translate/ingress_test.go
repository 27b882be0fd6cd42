package translate_test

import (
	"slices"
	"testing"

	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestIngressOfOthersIsDeletedByOthers: nothing is written to an Ingress that is being deleted unless it is ours, or was.
func TestIngressOfOthersIsDeletedByOthers(t *testing.T) {
	for _, c := range []struct {
		class, finalizer string
		ours             bool
	}{
		{"gce", "example.com/theirs", true},
		{"nginx", "example.com/theirs", false},
		{"nginx", "networking.gke.io/ingress-finalizer-V2", true},
	} {
		in := &ingressv1.Ingress{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}, ObjectMeta: meta("store", "in")}
		in.Annotations = map[string]string{"kubernetes.io/ingress.class": c.class}
		in.DeletionTimestamp, in.Finalizers = &in.CreationTimestamp, []string{c.finalizer}
		round := newWorld().commit(t, func(tx *store.Tx) {
			tx.Put("c", cluster("c", "us-west1"), "")
			tx.Put("c", in, "")
		})
		wrote := slices.ContainsFunc(round.Writes, func(w recompute.WriteChange) bool { return w.Ref == store.RefTo("c", in) })
		if wrote != c.ours {
			t.Errorf("class %s, finalizer %s: written to it: %t", c.class, c.finalizer, wrote)
		}
	}
}
