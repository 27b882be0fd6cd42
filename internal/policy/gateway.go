package policy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// GatewayRegion returns the region that a GCPGatewayPolicy gives to a Gateway, or "".
func GatewayRegion(v *recompute.View, gateway store.Ref) string {
	t := Target{Cluster: gateway.Cluster, Kind: Gateway, Namespace: gateway.Namespace, Name: gateway.Name}
	_, p, ok := winner[*networkingv1.GCPGatewayPolicy](v, indexGateway, t)
	if !ok || p.Spec.Default == nil || p.Spec.Default.Region == nil {
		return ""
	}
	return *p.Spec.Default.Region
}

func translateGatewayPolicy(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok := recompute.Get[*networkingv1.GCPGatewayPolicy](v, ref)
	if !ok {
		return recompute.Result{}
	}
	o := judge[*networkingv1.GCPGatewayPolicy](v, ref, p.Spec.TargetRef, indexGateway, Gateway)
	if c := p.Spec.Default; o.ok && c != nil && c.SSLPolicy != nil {
		o = outcome{reason: "Invalid", message: "sslPolicy is not supported; region is applied"}
	}
	status := &networkingv1.GCPGatewayPolicyStatus{Conditions: []metav1.Condition{o.condition(p.Generation)}}
	return recompute.Result{State: recompute.Present, Writes: o.writes(v, ref, p.Generation, status)}
}
