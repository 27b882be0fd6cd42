package ingress

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const annotationGroups = "cloud.google.com/neg"

// usesGroups says whether a Service's Pods may be sent to. One without the annotation is as if GKE's webhook had added it;
// one whose annotation is no JSON uses none.
func usesGroups(s *corev1.Service) bool {
	text, ok := s.Annotations[annotationGroups]
	if !ok {
		return true
	}
	var said struct {
		Ingress bool `json:"ingress"`
	}
	return json.Unmarshal([]byte(text), &said) == nil && said.Ingress
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
	var ports []int32
	for _, ref := range v.Index(indexServices, key) {
		in, ok := recompute.Get[*ingressv1.Ingress](v, ref)
		if !ok || finalizer.Deleted(in) {
			continue
		}
		if _, ours := classOf(v, ref.Cluster, in); !ours {
			continue
		}
		eachBackend(&in.Spec, func(b *ingressv1.IngressBackend) {
			if b.Service == nil || b.Service.Name != service.Name {
				return
			}
			if i := portIndex(service, &b.Service.Port); i >= 0 {
				ports = append(ports, service.Spec.Ports[i].Port)
			}
		})
	}
	if len(ports) == 0 {
		return recompute.Result{}
	}
	slices.Sort(ports)
	return recompute.Result{State: recompute.Present, Value: slices.Compact(ports)}
}
