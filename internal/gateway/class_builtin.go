package gateway

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// UnitBuiltinClasses is the unit kind that makes the GatewayClass objects of a cluster, as GKE does, and ours. Its key is the
// Cluster's Ref. It stands apart from Units because nothing else depends on it.
const UnitBuiltinClasses = "gateway.builtinclasses"

// BuiltinClasses returns the translator and the root that make GatewayClass objects of the classes that exist by
// themselves. A GatewayClass of the user's with such a name wins.
func BuiltinClasses() (recompute.Translator, recompute.Root) {
	all := classes()
	names := slices.Sorted(maps.Keys(all))
	translate := func(v *recompute.View, key string) recompute.Result {
		ref, _ := store.ParseRef(key)
		if v.Get(ref) == nil {
			return recompute.Result{}
		}
		result := recompute.Result{State: recompute.Present}
		for _, name := range names {
			if !claimed(v, all[name].Controller) {
				continue
			}
			class := &gatewayv1.GatewayClass{
				TypeMeta:   metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "GatewayClass"},
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec:       gatewayv1.GatewayClassSpec{ControllerName: all[name].Controller},
			}
			result.Writes = append(result.Writes, recompute.Write{
				Ref: store.RefTo(ref.Cluster, class), Part: recompute.PartObject, Value: class,
			})
		}
		return result
	}
	return translate, recompute.Root{Kind: kind.Cluster, Unit: UnitBuiltinClasses}
}
