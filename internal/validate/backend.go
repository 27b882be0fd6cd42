package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
)

// silentBackends are the Services that routes send to, or that are exported, and that nobody answers for. The reason is
// told with them: an image that nothing runs, or labels that no Pod has.
func (w *world) silentBackends() []manifests.Problem {
	var all []manifests.Problem
	backends := w.backends()
	for _, ref := range slices.SortedFunc(maps.Keys(backends), func(a, b store.Ref) int { return strings.Compare(a.String(), b.String()) }) {
		e := w.snapshot.Get(ref)
		if e == nil || w.answered(ref) {
			continue
		}
		service, _ := e.Object.(*corev1.Service)
		if service == nil || service.Spec.Type == corev1.ServiceTypeExternalName {
			continue // the routes' statuses speak of it
		}
		all = append(all, w.whySilent(e, service, backends[ref]))
	}
	return all
}

// backends are the Services that routes name, for which silence is an error, and those that are only exported: another
// cluster may answer for them.
func (w *world) backends() map[store.Ref]manifests.Severity {
	found := map[store.Ref]manifests.Severity{}
	for _, k := range []string{kind.HTTPRoute, kind.GRPCRoute} {
		w.snapshot.Walk(k, "", "", func(e *store.Entry) bool {
			eachBackendRef(fieldsOf(e.Object)["spec"], func(ref map[string]any) {
				if k := textOf(ref, "kind"); textOf(ref, "group") != "" || k != "" && k != "Service" {
					return
				}
				to := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Service, Namespace: e.Ref.Namespace, Name: textOf(ref, "name")}
				if n := textOf(ref, "namespace"); n != "" {
					to.Namespace = n
				}
				found[to] = manifests.Error
			})
			return true
		})
	}
	for _, k := range []string{kind.ServiceExport, kind.MCSServiceExport} {
		w.snapshot.Walk(k, "", "", func(e *store.Entry) bool {
			ref := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Service, Namespace: e.Ref.Namespace, Name: e.Ref.Name}
			if found[ref] == "" {
				found[ref] = manifests.Warning
			}
			return true
		})
	}
	return found
}

// eachBackendRef finds the backendRefs, and the backends of mirrors, anywhere in a route's spec.
func eachBackendRef(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			eachBackendRef(item, f)
		}
	case map[string]any:
		for name, field := range v {
			refs, _ := field.([]any)
			if name == "backendRef" {
				refs = []any{field}
			}
			if name == "backendRef" || name == "backendRefs" {
				for _, r := range refs {
					if ref, ok := r.(map[string]any); ok {
						f(ref)
					}
				}
			}
			eachBackendRef(field, f)
		}
	}
}

// answered says whether a Service has an endpoint that serves.
func (w *world) answered(service store.Ref) bool {
	found := false
	w.snapshot.Walk(kind.EndpointSlice, service.Cluster, service.Namespace, func(e *store.Entry) bool {
		s, ok := e.Object.(*discoveryv1.EndpointSlice)
		if !ok || s.Labels[discoveryv1.LabelServiceName] != service.Name {
			return true
		}
		for _, endpoint := range s.Endpoints {
			if ready := endpoint.Conditions.Ready; ready == nil || *ready {
				found = true
			}
		}
		return !found
	})
	return found
}

func (w *world) whySilent(e *store.Entry, service *corev1.Service, severity manifests.Severity) manifests.Problem {
	at := func(rule, message string) manifests.Problem {
		return problemOf(e, severity, "", rule, message+"; nobody answers for the Service in this cluster (503)")
	}
	if len(service.Spec.Selector) == 0 {
		return at("NoEndpoints", "the Service has neither a selector nor an EndpointSlice with a ready endpoint")
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	pods := 0
	var reason string
	w.snapshot.Walk(kind.Pod, e.Ref.Cluster, e.Ref.Namespace, func(p *store.Entry) bool {
		if !selector.Matches(labels.Set(p.Object.GetLabels())) {
			return true
		}
		pods++
		reason = waitingReason(p)
		return reason == ""
	})
	switch {
	case pods == 0:
		return at("NoPods", fmt.Sprintf("no Pod or Deployment has the labels that the Service selects, %s", selector))
	case reason != "":
		return at("ImageNotRun", reason)
	}
	return at("NoReadyPods", fmt.Sprintf("none of the %d Pods that the Service selects is ready", pods))
}

// waitingReason is why a container of a Pod does not run.
func waitingReason(e *store.Entry) string {
	pod := &corev1.Pod{}
	if p, ok := e.Object.(*corev1.Pod); ok {
		pod = p
	}
	statuses := pod.Status
	if e.Written != nil {
		if s, ok := e.Written.Status.(*corev1.PodStatus); ok {
			statuses = *s
		}
	}
	for _, c := range slices.Concat(statuses.InitContainerStatuses, statuses.ContainerStatuses) {
		if waiting := c.State.Waiting; waiting != nil && waiting.Message != "" {
			return waiting.Message
		}
	}
	return ""
}
