package backend

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// unitProbe is what the readiness probes of a Service's Pods say of the health check of a port, which are many objects for
// one answer that hardly changes. Its key is a cluster, namespace, Service, port and scheme, its value a probe; it is absent
// if no probe is fit.
const unitProbe = "backend.probe"

// probe is what a health check takes from a readiness probe.
type probe struct {
	Path, Host string
	// Interval and Timeout are in seconds.
	Interval, Timeout int64
}

// readinessProbe is that of the key's port for backends of a protocol; ok is false if there is none.
func (k Key) readinessProbe(v *recompute.View, p lbv1.BackendProtocol) (found probe, ok bool) {
	scheme := corev1.URISchemeHTTPS
	if p == lbv1.BackendProtocol_HTTP {
		scheme = corev1.URISchemeHTTP
	}
	key := unitkey.Join(k.Scope.Cluster, k.Namespace, k.Name, strconv.Itoa(int(k.Port)), string(scheme))
	found, ok, _ = recompute.Value[probe](v, unitProbe, key)
	return found, ok
}

// set applies the probe to a health check. A timeout may not be longer than the interval, as a kubelet lets it be.
func (p probe) set(check *lbv1.HealthCheck) {
	check.RequestPath, check.Host = p.Path, p.Host
	check.Timeout, check.CheckInterval = seconds(p.Timeout), seconds(max(p.Interval, p.Timeout))
}

func translateProbe(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 5)
	if !ok {
		return recompute.Result{}
	}
	service, ok := recompute.Get[*corev1.Service](v, store.Ref{Cluster: parts[0], Kind: kind.Service, Namespace: parts[1], Name: parts[2]})
	if !ok || len(service.Spec.Selector) == 0 {
		return recompute.Result{}
	}
	if fact.Pending(v, parts[0], kind.Pod) {
		return recompute.Result{State: recompute.Held}
	}
	number, _ := strconv.ParseInt(parts[3], 10, 32)
	i := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.Port == int32(number) && (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP)
	})
	if i < 0 {
		return recompute.Result{}
	}
	for _, pod := range podsOf(v, service, parts[0]) {
		if p, ok := probeOf(&pod.Spec, service.Spec.Ports[i].TargetPort, corev1.URIScheme(parts[4])); ok {
			return recompute.Result{State: recompute.Present, Value: p}
		}
	}
	return recompute.Result{}
}

// podsOf are the Pods that a Service selects, the oldest first.
func podsOf(v *recompute.View, service *corev1.Service, cluster string) []*corev1.Pod {
	selector := labels.SelectorFromSet(service.Spec.Selector)
	var pods []*corev1.Pod
	for _, ref := range v.List(kind.Pod, cluster, service.Namespace) {
		pod, ok := recompute.Get[*corev1.Pod](v, ref)
		if ok && selector.Matches(labels.Set(pod.Labels)) {
			pods = append(pods, pod)
		}
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	return pods
}

// probeOf is the first probe of a Pod that asks what a load balancer would: over HTTP, the port that the Service sends to.
func probeOf(spec *corev1.PodSpec, target intstr.IntOrString, scheme corev1.URIScheme) (probe, bool) {
	for i := range spec.Containers {
		c := &spec.Containers[i]
		if c.ReadinessProbe == nil || c.ReadinessProbe.HTTPGet == nil {
			continue
		}
		get := c.ReadinessProbe.HTTPGet
		host, plain := probeHost(get)
		if !plain || cmp.Or(get.Scheme, corev1.URISchemeHTTP) != scheme {
			continue
		}
		for _, p := range c.Ports {
			if names(target, p) && names(get.Port, p) {
				return probe{
					Path: "/" + strings.TrimPrefix(get.Path, "/"), Host: host,
					Interval: int64(cmp.Or(c.ReadinessProbe.PeriodSeconds, 10)), Timeout: int64(cmp.Or(c.ReadinessProbe.TimeoutSeconds, 1)),
				}, true
			}
		}
	}
	return probe{}, false
}

// probeHost is the probe's host header; plain is false if it asks for more than a load balancer can.
func probeHost(get *corev1.HTTPGetAction) (host string, plain bool) {
	switch {
	case get.Host != "" || len(get.HTTPHeaders) > 1:
		return "", false
	case len(get.HTTPHeaders) == 0:
		return "", true
	}
	h := get.HTTPHeaders[0]
	return h.Value, strings.EqualFold(h.Name, "host")
}

// names tells whether a port's number or name is that of a container's port.
func names(port intstr.IntOrString, of corev1.ContainerPort) bool {
	if port.Type == intstr.String {
		return port.StrVal == of.Name
	}
	return port.IntVal == of.ContainerPort
}
