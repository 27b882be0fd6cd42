package gateway

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Finalizer is the one that Gateways have while anything is left of them at a proxy.
const Finalizer = "gateway.finalizer.networking.gke.io"

// wantedGateway reads a Gateway that is to be served; one that is being deleted is not there. For one that may be on its way the
// reader holds.
func wantedGateway(v *recompute.View, ref store.Ref) (*gatewayv1.Gateway, bool) {
	gw, ok := recompute.Get[*gatewayv1.Gateway](v, ref)
	if !ok && fact.Pending(v, ref.Cluster, kind.Gateway) {
		v.Hold()
	}
	if !ok || finalizer.Deleted(gw) {
		return nil, false
	}
	return gw, true
}

// leavingWrites say of a Gateway that is being deleted who has it still.
func leavingWrites(v *recompute.View, gw *gatewayv1.Gateway, ref store.Ref) []recompute.Write {
	text := "the Gateway is being deleted and not served any more"
	if left, ok := finalizer.Left(v, ref); ok {
		text += fmt.Sprintf("; %d of %d proxies have dropped it", left.Ready, left.Total)
		for _, r := range left.Refused {
			text += "; " + r.String()
		}
	}
	status := &gatewayv1.GatewayStatus{Conditions: []metav1.Condition{
		condition(gw.Generation, string(gatewayv1.GatewayConditionProgrammed), false, string(gatewayv1.GatewayReasonPending), text),
	}}
	return []recompute.Write{
		{Ref: ref, Part: recompute.PartStatus, Value: status},
		finalizer.Of(v, ref, gw, Finalizer),
	}
}
