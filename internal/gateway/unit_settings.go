package gateway

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitSettings is what a GCPGatewayPolicy says of a Gateway. Its key is the Gateway's Ref, its value a settings. After a restart it is
// what it was until the policies are listed; the first time it is held until then.
const unitSettings = "gateway.settings"

// settings are nil without a policy.
type settings struct {
	*networkingv1.GCPGatewayPolicyConfig
}

// settingsOf reads the settings of a Gateway. As long as they are not known the reader holds.
func settingsOf(v *recompute.View, gateway store.Ref) (settings, bool) {
	return recompute.Known[settings](v, unitSettings, gateway.String())
}

func translateSettings(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p := policy.OfGateway(v, ref)
	if fact.Pending(v, ref.Cluster, kind.GCPGatewayPolicy) {
		switch last := v.Good().(type) {
		case nil:
			return recompute.Result{State: recompute.Held}
		case *networkingv1.GCPGatewayPolicy:
			if v.Unseen() != nil && v.Get(store.RefTo(ref.Cluster, last)) == nil {
				p = last
			}
		}
	}
	if p != nil {
		return recompute.Result{State: recompute.Present, Value: settings{p.Spec.Default}, Good: p}
	}
	return recompute.Result{State: recompute.Present, Value: settings{}, Good: noPolicy(ref)}
}

// noPolicy is what is remembered of a Gateway that had none.
func noPolicy(ref store.Ref) store.Object {
	return &gatewayv1.Gateway{
		TypeMeta:   metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name},
	}
}
