package serve

import (
	"slices"
	"testing"

	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/status"
)

// TestEveryFinalizerIsOurs: one that is not said to be would be left on for ever.
func TestEveryFinalizerIsOurs(t *testing.T) {
	got := ownership(status.DefaultInstall).Finalizers
	for _, want := range []string{gateway.Finalizer, ingress.Finalizer, neg.Finalizer} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not among %v", want, got)
		}
	}
}
