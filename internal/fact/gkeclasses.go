package fact

import (
	"slices"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// KindGKEClasses is the kind of GKEClasses.
const KindGKEClasses = "gke-classes"

// GKEClasses names the fact that GatewayClasses of GKE's controller are Spillway's to serve, a bool. Without a value they are;
// they are not where GKE's own controller is there, too.
func GKEClasses() store.Fact { return store.Fact{Kind: KindGKEClasses} }

// Controllers are the names of controllers that Spillway is in GatewayClasses and statuses, the usual one first.
func Controllers(v Reader) []string {
	if gke, ok := v.Fact(GKEClasses()).(bool); ok && !gke {
		return []string{kind.GatewayController}
	}
	return []string{kind.GKEController, kind.GatewayController}
}

// Claims tells whether GatewayClasses of a controller are Spillway's.
func Claims(v Reader, controller string) bool { return slices.Contains(Controllers(v), controller) }
