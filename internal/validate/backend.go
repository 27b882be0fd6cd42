package validate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/outage"
	"github.com/spillway-lb/spillway/internal/store"
)

// target is a port of a Service that is sent to; port 0 is any.
type target struct {
	service store.Ref
	port    int32
	// callout: an extension calls it.
	callout bool
}

// then is what becomes of requests while nobody answers.
func (t target) then() string {
	if t.callout {
		return fmt.Sprintf("; no network endpoints found for service %q, which an extension calls (500 without failOpen)", t.service.Name)
	}
	return "; nobody answers for the Service in this cluster (503)"
}

// silentBackends are the Services that routes send to, or that are exported, and that nobody answers for. The reason is
// told with them: an image that nothing runs, labels that no Pod has, a port that they have not.
func (w *world) silentBackends() []manifests.Problem {
	var all []manifests.Problem
	backends := w.backends()
	for _, t := range slices.SortedFunc(maps.Keys(backends), compareTargets) {
		e := w.snapshot.Get(t.service)
		if e == nil {
			continue
		}
		service, _ := e.Object.(*corev1.Service)
		if service == nil || service.Spec.Type == corev1.ServiceTypeExternalName || !hasPort(service, t.port) {
			continue // the routes' statuses speak of it
		}
		if r, silent := outage.Why(w.snapshot, e, t.port); silent {
			all = append(all, w.problemOf(e, backends[t], fieldOf(service, r, t.port), r.Rule, r.Text+t.then()))
		} else if p := w.deafPort(e, service, t, backends[t]); p != nil {
			all = append(all, *p)
		}
	}
	return all
}

func compareTargets(a, b target) int {
	return cmp.Or(strings.Compare(a.service.String(), b.service.String()), cmp.Compare(a.port, b.port))
}

func hasPort(s *corev1.Service, port int32) bool { return port == 0 || portIndex(s, port) >= 0 }

func portIndex(s *corev1.Service, port int32) int {
	return slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == port })
}

// fieldOf is the field that is likely to be wrong.
func fieldOf(s *corev1.Service, r outage.Reason, port int32) string {
	switch i := portIndex(s, port); {
	case r.Rule == outage.NoPods:
		return "spec.selector"
	case r.Rule == outage.NoPort && i >= 0:
		return fmt.Sprintf("spec.ports[%d].targetPort", i)
	}
	return ""
}

// deafPort tells of a targetPort, by number, that no program of the Service's Pods listens on, or, as a warning because it
// need not be so, that no container declares.
func (w *world) deafPort(e *store.Entry, s *corev1.Service, t target, severity manifests.Severity) *manifests.Problem {
	i := portIndex(s, t.port)
	if i < 0 || s.Spec.Ports[i].TargetPort.Type == intstr.String || len(s.Spec.Selector) == 0 {
		return nil
	}
	number := uint16(cmp.Or(s.Spec.Ports[i].TargetPort.IntVal, s.Spec.Ports[i].Port))
	field := fmt.Sprintf("spec.ports[%d].targetPort", i)
	listening, known := w.listening(e.Ref, labels.SelectorFromSet(s.Spec.Selector))
	if known {
		if slices.Contains(listening, number) {
			return nil
		}
		p := w.problemOf(e, severity, field, outage.NoPort, fmt.Sprintf(
			"no Pod of the Service listens on port %d, only on %s%s", number, numbers(listening), t.then()))
		return &p
	}
	if hint := outage.Undeclared(w.snapshot, e, t.port); hint != "" {
		p := w.problemOf(e, manifests.Warning, field, outage.NoPort, hint)
		return &p
	}
	return nil
}

func numbers(ports []uint16) string {
	var texts []string
	for _, p := range ports {
		texts = append(texts, fmt.Sprint(p))
	}
	return strings.Join(texts, ", ")
}

// listening are the ports of the programs of a Service's Pods; known is false if something runs in one of which nobody
// knows where it listens.
func (w *world) listening(service store.Ref, selector labels.Selector) (ports []uint16, known bool) {
	known = true
	w.snapshot.Walk(kind.Pod, service.Cluster, service.Namespace, func(e *store.Entry) bool {
		if !selector.Matches(labels.Set(e.Object.GetLabels())) {
			return true
		}
		of, ok := w.ports[e.Ref]
		if known = known && ok; ok {
			ports = append(ports, of...)
		}
		return known
	})
	slices.Sort(ports)
	return slices.Compact(ports), known && len(ports) > 0
}

// backends are the Service ports that routes and extensions name, for which silence is an error, and those that are only exported: another
// cluster may answer for them.
func (w *world) backends() map[target]manifests.Severity {
	found := map[target]manifests.Severity{}
	named := map[store.Ref]bool{}
	for _, k := range []string{kind.HTTPRoute, kind.GRPCRoute, kind.GCPRoutingExtension, kind.GCPTrafficExtension} {
		callout := k == kind.GCPRoutingExtension || k == kind.GCPTrafficExtension
		w.snapshot.Walk(k, "", "", func(e *store.Entry) bool {
			eachBackendRef(condition.FieldsOf(e.Object)["spec"], callout, func(ref map[string]any) {
				if k := textOf(ref, "kind"); textOf(ref, "group") != "" || k != "" && k != "Service" {
					return
				}
				to := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Service, Namespace: e.Ref.Namespace, Name: textOf(ref, "name")}
				if n := textOf(ref, "namespace"); n != "" {
					to.Namespace = n
				}
				port, _ := ref["port"].(float64)
				found[target{to, int32(port), callout}], named[to] = manifests.Error, true
			})
			return true
		})
	}
	w.ingressBackends(func(t target) { found[t], named[t.service] = manifests.Error, true })
	for _, k := range []string{kind.ServiceExport, kind.MCSServiceExport} {
		w.snapshot.Walk(k, "", "", func(e *store.Entry) bool {
			ref := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Service, Namespace: e.Ref.Namespace, Name: e.Ref.Name}
			if !named[ref] {
				w.exported(found, ref)
			}
			return true
		})
	}
	return found
}

// exported adds every port of a Service.
func (w *world) exported(found map[target]manifests.Severity, ref store.Ref) {
	e := w.snapshot.Get(ref)
	if e == nil {
		return
	}
	service, ok := e.Object.(*corev1.Service)
	if !ok {
		return
	}
	for _, p := range service.Spec.Ports {
		if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
			found[target{service: ref, port: p.Port}] = manifests.Warning
		}
	}
}

// eachBackendRef finds the backendRefs, and the backends of mirrors, anywhere in a route's spec; of an extension only what it calls,
// and not the Services by which it chooses requests.
func eachBackendRef(v any, callout bool, f func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			eachBackendRef(item, callout, f)
		}
	case map[string]any:
		for name, field := range v {
			refs, _ := field.([]any)
			if name == "backendRef" {
				refs = []any{field}
			}
			if name == "backendRef" || name == "backendRefs" && !callout {
				for _, r := range refs {
					if ref, ok := r.(map[string]any); ok {
						f(ref)
					}
				}
			}
			eachBackendRef(field, callout, f)
		}
	}
}
