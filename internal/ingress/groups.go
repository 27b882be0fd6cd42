package ingress

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// usesGroups says whether a Service's Pods may be sent to: what its annotation asks for, as it is or, if it is broken, as it was.
func (r *reader) usesGroups(s *corev1.Service) bool {
	asked, _, err := annotation.Ask(s)
	if err == nil {
		return asked.Ingress
	}
	return neg.IngressGroups(r.view, store.RefTo(r.ref.Cluster, s))
}

// translateServicePorts finds the ports of a Service that Ingresses of ours send to.
func translateServicePorts(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 3)
	if !ok {
		return recompute.Result{}
	}
	service, ok := recompute.Get[*corev1.Service](v, store.Ref{Cluster: parts[0], Kind: kind.Service, Namespace: parts[1], Name: parts[2]})
	if !ok {
		return recompute.Result{}
	}
	if fact.Pending(v, parts[0], kind.Ingress, kind.IngressClass) {
		return recompute.Result{State: recompute.Held}
	}
	ports := portsOf(v.Get, service, v.Index(indexServices, key))
	if len(ports) == 0 {
		return recompute.Result{}
	}
	return recompute.Result{State: recompute.Present, Value: ports}
}

// PortsOf are the ports of a cluster's Service that Ingresses of ours send to, sorted, as a snapshot has them.
func PortsOf(s *store.Snapshot, cluster string, service *corev1.Service) []int32 {
	return portsOf(object.InSnapshot(s), service, s.Index(indexServices, neg.ServiceKey(cluster, service.Namespace, service.Name)))
}

func portsOf(get object.Getter, service *corev1.Service, ingresses []store.Ref) []int32 {
	var ports []int32
	for _, ref := range ingresses {
		in, ok := get(ref).(*ingressv1.Ingress)
		if !ok || finalizer.Deleted(in) {
			continue
		}
		if _, ours := object.ClassOf(get, ref.Cluster, in); !ours {
			continue
		}
		object.EachBackend(&in.Spec, func(b *ingressv1.IngressBackend) {
			if b.Service == nil || b.Service.Name != service.Name {
				return
			}
			if i := object.PortIndex(service, &b.Service.Port); i >= 0 {
				ports = append(ports, service.Spec.Ports[i].Port)
			}
		})
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}
