package trouble

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// unserved says why nobody looks after a Gateway that nothing was ever written about; ok is false if somebody does, or may.
func unserved(snapshot *store.Snapshot, e *store.Entry) (t Trouble, ok bool) {
	class := classOf(e)
	ours, known := isOurs(snapshot, e.Ref.Cluster, class)
	t = Trouble{Field: "spec.gatewayClassName", Rule: "OtherController", Severity: Note}
	switch {
	case ours && strings.HasSuffix(class, "-mc") && isMere(snapshot, e.Ref.Cluster):
		t.Rule = "NotConfigCluster"
		t.Text = fmt.Sprintf("class %q is of multi-cluster Gateways, which count in the config cluster only; %s is not it", class, e.Ref.Cluster)
	case ours, !known && fact.Pending(snapshot, e.Ref.Cluster, kind.GatewayClass):
		return Trouble{}, false // nothing is known of it yet
	case known:
		t.Text = fmt.Sprintf("class %q is another controller's; Spillway leaves it alone", class)
	case strings.HasPrefix(class, "gke-"):
		t.Rule, t.Severity = "NoSuchClass", Error
		t.Text = fmt.Sprintf("there is no GatewayClass %q; `spillway get gatewayclasses` of a server lists them", class)
	default:
		t.Text = fmt.Sprintf("class %q is none of Spillway's, and no manifest defines it; Spillway leaves it alone", class)
	}
	return t, true
}

func classOf(e *store.Entry) string {
	if gw, ok := e.Object.(*gatewayv1.Gateway); ok {
		return string(gw.Spec.GatewayClassName)
	}
	return ""
}

// isOurs tells whether a GatewayClass is Spillway's; known is false if there is none of the name.
func isOurs(snapshot *store.Snapshot, cluster, class string) (ours, known bool) {
	e := snapshot.Get(store.Ref{Cluster: cluster, Kind: kind.GatewayClass, Name: class})
	if e == nil {
		return false, false
	}
	c, ok := e.Object.(*gatewayv1.GatewayClass)
	return ok && fact.Claims(snapshot, string(c.Spec.ControllerName)), true
}

// isMere tells whether another cluster than this one says that it is the config cluster.
func isMere(snapshot *store.Snapshot, cluster string) bool {
	config := ""
	snapshot.Walk(kind.Cluster, "", "", func(e *store.Entry) bool {
		if c, ok := e.Object.(*spillwayv1alpha1.Cluster); ok && c.Spec.ConfigCluster {
			config = c.Name
		}
		return config == ""
	})
	return config != "" && config != cluster
}

// leftAlone tells whether a Gateway is known to be nobody's whom Spillway looks after.
func leftAlone(snapshot *store.Snapshot, gateway *store.Entry) bool {
	t, ok := unserved(snapshot, gateway)
	return ok && t.Rule != "NotConfigCluster"
}
