package admission

import (
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

// TestRecentIsBounded: who asks need not be an API server.
func TestRecentIsBounded(t *testing.T) {
	var r recent
	now := time.Unix(0, 0)
	for i := range 3 * maxRecent {
		r.add(store.Ref{Cluster: "c", Kind: "Service", Namespace: "n", Name: strconv.Itoa(i)}, &corev1.Service{}, now)
	}
	if len(r.services) != maxRecent {
		t.Errorf("%d are kept, not %d", len(r.services), maxRecent)
	}
	r.add(store.Ref{Cluster: "c", Kind: "Service", Namespace: "n", Name: "later"}, &corev1.Service{}, now.Add(2*recentTime))
	if len(r.services) != 1 {
		t.Errorf("%d are kept whose time is over", len(r.services)-1)
	}
}
