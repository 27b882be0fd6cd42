package serve

import (
	"slices"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestEveryFinalizerIsOurs: one that is not said to be would be left on for ever.
func TestEveryFinalizerIsOurs(t *testing.T) {
	got := ownership(status.DefaultInstall, nil).Finalizers
	for _, want := range []string{gateway.Finalizer, ingress.Finalizer, neg.Finalizer} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not among %v", want, got)
		}
	}
}

// TestOwnershipOfEntries: those of both our names go when we don't say them any more, as when a Gateway changes its class; those of
// others stay, and beside GKE's controller GKE's.
func TestOwnershipOfEntries(t *testing.T) {
	entry := func(controller string) gatewayv1.RouteParentStatus {
		return gatewayv1.RouteParentStatus{ParentRef: gatewayv1.ParentReference{Name: "web"}, ControllerName: gatewayv1.GatewayController(controller)}
	}
	const other = "example.com/gateway"
	live := &gatewayv1.HTTPRoute{}
	live.Status.Parents = []gatewayv1.RouteParentStatus{entry(other), entry(kind.GKEController), entry(kind.GatewayController)}
	for name, c := range map[string]struct {
		beside    bool
		say, want []string
	}{
		"GKE's class":   {false, []string{kind.GKEController}, []string{kind.GKEController, other}},
		"our class":     {false, []string{kind.GatewayController}, []string{kind.GatewayController, other}},
		"both":          {false, []string{kind.GKEController, kind.GatewayController}, []string{kind.GKEController, kind.GatewayController, other}},
		"none":          {false, nil, []string{other}},
		"beside GKE":    {true, []string{kind.GatewayController}, []string{kind.GatewayController, other, kind.GKEController}},
		"theirs, alone": {true, nil, []string{other, kind.GKEController}},
	} {
		s := store.New()
		if c.beside {
			s.Commit(func(tx *store.Tx) { tx.SetFact(fact.GKEClasses(), false) })
		}
		said := &gatewayv1.HTTPRouteStatus{}
		for _, name := range c.say {
			said.Parents = append(said.Parents, entry(name))
		}
		owner := ownership("spillway", fact.Controllers(s.Snapshot()))
		var got []string
		for _, p := range status.Merge(said, live, owner.Controllers).(*gatewayv1.HTTPRouteStatus).Parents {
			got = append(got, string(p.ControllerName))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
