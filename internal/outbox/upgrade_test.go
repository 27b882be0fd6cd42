package outbox

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// TestAClassGetsAnotherController: spec.controllerName is immutable, so a class that an older install made is deleted and made anew, once;
// what is said of it follows. A user's class stays as it is.
func TestAClassGetsAnotherController(t *testing.T) {
	const key = "gatewayclasses//spillway"
	ref := refOf(kind.GatewayClass, "", "spillway")
	class := func(controller string) *gatewayv1.GatewayClass {
		return &gatewayv1.GatewayClass{
			TypeMeta:   metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "GatewayClass"},
			ObjectMeta: metav1.ObjectMeta{Name: "spillway"},
			Spec:       gatewayv1.GatewayClassSpec{ControllerName: gatewayv1.GatewayController(controller)},
		}
	}
	accepted := want(ref, recompute.PartStatus, "", &gatewayv1.GatewayClassStatus{
		Conditions: []metav1.Condition{{Type: "Accepted", Status: metav1.ConditionTrue, Reason: "Accepted"}},
	})
	for name, old := range map[string]func(*world){
		"ours": func(w *world) {
			w.round(want(ref, recompute.PartObject, "", class(kind.GKEController)))
			w.settle()
		},
		"the user's": func(w *world) { w.api.add(key, decoded(encode(class(kind.GKEController)))) },
	} {
		w := newWorld(t, newAPIServer("store"))
		old(w)
		uid := at(w.api.get(key), "metadata", "uid")
		w.restart([]recompute.WriteChange{want(ref, recompute.PartObject, "", class(kind.GatewayController)), accepted})
		w.settle()
		now := w.api.get(key)
		controller, anew := kind.GatewayController, true
		if name != "ours" {
			controller, anew = kind.GKEController, false
		}
		if at(now, "spec", "controllerName") != controller || (at(now, "metadata", "uid") != uid) != anew {
			t.Errorf("%s: %v", name, now)
		}
		if at(now, "status", "conditions", 0, "status") != "True" {
			t.Errorf("%s: its status is %v", name, at(now, "status"))
		}
		if n := w.api.changes["DELETE "+key]; n > 1 || n == 1 != anew {
			t.Errorf("%s: deleted %d times", name, n)
		}
	}
}
