package validate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
)

// The sample callout of the documentation sends requests to this host, which the documentation's own route has not.
const (
	sampleCallout = "/python-example-basic"
	sampleHost    = "service-extensions.com"
)

// lostRequests are routing extensions that call the sample callout on a Gateway none of whose routes has the host that it sends
// requests to: they would end in 404.
func (w *world) lostRequests() []manifests.Problem {
	var all []manifests.Problem
	w.snapshot.Walk(kind.GCPRoutingExtension, "", "", func(e *store.Entry) bool {
		x, ok := e.Object.(*networkingv1.GCPRoutingExtension)
		if !ok || !w.callsSample(e.Ref, x) {
			return true
		}
		for _, t := range x.Spec.TargetRefs {
			gateway := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Gateway, Namespace: e.Ref.Namespace, Name: t.Name}
			if w.snapshot.Get(gateway) != nil && !w.hasHost(gateway) {
				all = append(all, w.problemOf(e, manifests.Warning, "spec.targetRefs", "NoHost", fmt.Sprintf(
					"the callout python-example-basic sends requests to host %s, which no HTTPRoute of Gateway %s/%s has: they end in 404; add it to spec.hostnames of a route",
					sampleHost, gateway.Namespace, gateway.Name)))
			}
		}
		return true
	})
	return all
}

func (w *world) callsSample(ref store.Ref, x *networkingv1.GCPRoutingExtension) bool {
	for _, chain := range x.Spec.ExtensionChains {
		for _, e := range chain.Extensions {
			if e.BackendRef == nil || e.BackendRef.Kind != "Service" {
				continue
			}
			entry := w.snapshot.Get(store.Ref{Cluster: ref.Cluster, Kind: kind.Service, Namespace: ref.Namespace, Name: e.BackendRef.Name})
			if entry == nil {
				continue
			}
			if service, ok := entry.Object.(*corev1.Service); ok && len(service.Spec.Selector) > 0 && w.runsSample(entry.Ref, service) {
				return true
			}
		}
	}
	return false
}

func (w *world) runsSample(ref store.Ref, service *corev1.Service) (runs bool) {
	selector := labels.SelectorFromSet(service.Spec.Selector)
	w.snapshot.Walk(kind.Pod, ref.Cluster, ref.Namespace, func(e *store.Entry) bool {
		pod, ok := e.Object.(*corev1.Pod)
		runs = ok && selector.Matches(labels.Set(pod.Labels)) && slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
			return strings.Contains(c.Image, sampleCallout)
		})
		return !runs
	})
	return runs
}

// hasHost tells whether an HTTPRoute of a Gateway takes requests for the host. One without parents of that name takes none.
func (w *world) hasHost(gateway store.Ref) (has bool) {
	w.snapshot.Walk(kind.HTTPRoute, gateway.Cluster, "", func(e *store.Entry) bool {
		r, ok := e.Object.(*gatewayv1.HTTPRoute)
		if !ok {
			return true
		}
		named := slices.ContainsFunc(r.Spec.ParentRefs, func(p gatewayv1.ParentReference) bool {
			return string(p.Name) == gateway.Name && (p.Namespace == nil && e.Ref.Namespace == gateway.Namespace ||
				p.Namespace != nil && string(*p.Namespace) == gateway.Namespace)
		})
		has = named && (len(r.Spec.Hostnames) == 0 || slices.ContainsFunc(r.Spec.Hostnames, func(h gatewayv1.Hostname) bool {
			return h == sampleHost || h == "*.com"
		}))
		return !has
	})
	return has
}
