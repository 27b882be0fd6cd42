package backend

import (
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Naming is how a backend service and its health check are named.
type Naming uint8

const (
	// GatewayNames are GKE's for Gateways: gkemcg1-... or gkegw1-....
	GatewayNames Naming = iota
	// GroupNames are those of the network endpoint group, k8s1-..., as for an Ingress; a regional one's differ by a letter.
	// Imports have none.
	GroupNames
)

// ServiceName is that of the backend service, its health check and what else is its own, whether it is there or not.
func (k Key) ServiceName(v *recompute.View) string {
	if k.Naming == GroupNames && !k.Imported {
		uid := neg.ClusterUID(v, k.Scope.Cluster)
		if k.Scope.Region != "" {
			return neg.RegionalName("i", uid, k.Namespace, k.Name, k.Port)
		}
		return neg.Name(uid, k.Namespace, k.Name, k.Port)
	}
	return k.Scope.Namer().BackendService(k.Namespace, k.Name, k.Port, k.Scope.Variant(k.extra()...))
}

// extra are what else tells backend services of one port apart.
func (k Key) extra() []string {
	var extra []string
	if !k.Imported && (k.Scope.Multi || isDefault(k.Name)) {
		extra = append(extra, "service")
	}
	if k.Imported && !k.Scope.Multi {
		extra = append(extra, "import")
	}
	if k.GRPC {
		extra = append(extra, "grpc")
	}
	if k.Callout {
		extra = append(extra, "callout")
	}
	return extra
}
