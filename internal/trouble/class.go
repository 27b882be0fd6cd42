package trouble

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// foreignClass says why nobody looks after a Gateway.
func foreignClass(snapshot *store.Snapshot, e *store.Entry) Trouble {
	class := ""
	if gw, ok := e.Object.(*gatewayv1.Gateway); ok {
		class = string(gw.Spec.GatewayClassName)
	}
	t := Trouble{Field: "spec.gatewayClassName", Rule: "OtherController", Severity: Note}
	switch {
	case snapshot.Get(store.Ref{Cluster: e.Ref.Cluster, Kind: kind.GatewayClass, Name: class}) != nil:
		t.Text = fmt.Sprintf("class %q is another controller's; Spillway leaves it alone", class)
	case strings.HasPrefix(class, "gke-"):
		t.Rule, t.Severity = "NoSuchClass", Error
		t.Text = fmt.Sprintf("there is no GatewayClass %q; `spillway get gatewayclasses` of a server lists them", class)
	default:
		t.Text = fmt.Sprintf("class %q is none of Spillway's, and no manifest defines it; Spillway leaves it alone", class)
	}
	return t
}
