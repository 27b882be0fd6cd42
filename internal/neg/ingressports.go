package neg

import (
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// UnitIngressPorts are the ports of a Service that Ingresses of its namespace send to. Its key is ServiceKey's, its value an
// []int32, sorted, of those that the Service has. It is absent if there are none. Package ingress translates it.
const UnitIngressPorts = "neg.ingressports"

// ServiceKey is the key of a unit about a Service.
func ServiceKey(cluster, namespace, service string) string {
	return unitkey.Join(cluster, namespace, service)
}

// IngressPorts are the ports of a Service that Ingresses send to; held tells that the reader must hold.
func IngressPorts(v *recompute.View, cluster, namespace, service string) (ports []int32, held bool) {
	ports, _, held = recompute.Value[[]int32](v, UnitIngressPorts, ServiceKey(cluster, namespace, service))
	return ports, held
}
