package neg

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitPod is what matters of one Pod for its groups, whose object changes with every condition. Its key is the Pod's Ref, its
// value a *podView.
const unitPod = "neg.pod"

// podView is a Pod as a sync sees it.
type podView struct {
	Labels      map[string]string
	Node        string
	IPs         []string
	HostNetwork bool
	// Terminal: it has ended.
	Terminal bool
}

func translatePod(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	pod, ok := recompute.Get[*corev1.Pod](v, ref)
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	status := store.LatestStatus(v.Written(ref), &pod.Status)
	p := &podView{
		Labels: pod.Labels, Node: pod.Spec.NodeName, HostNetwork: pod.Spec.HostNetwork,
		Terminal: status.Phase == corev1.PodFailed || status.Phase == corev1.PodSucceeded,
	}
	if status.PodIP != "" {
		p.IPs = append(p.IPs, status.PodIP)
	}
	for _, ip := range status.PodIPs {
		if !slices.Contains(p.IPs, ip.IP) {
			p.IPs = append(p.IPs, ip.IP)
		}
	}
	return recompute.Result{State: recompute.Present, Value: p}
}

// has tells whether an address is one of the Pod's.
func (p *podView) has(addr netip.Addr) bool {
	return slices.ContainsFunc(p.IPs, func(text string) bool {
		ip, err := netip.ParseAddr(text)
		return err == nil && ip.Unmap() == addr
	})
}

// targetPod is the Pod that an endpoint names; ok is false if it names none.
func targetPod(of portOf, target *corev1.ObjectReference) (ref store.Ref, ok bool) {
	if target == nil || target.Kind != kind.Pod {
		return store.Ref{}, false
	}
	namespace := target.Namespace
	if namespace == "" {
		namespace = of.namespace
	}
	return store.Ref{Cluster: of.cluster, Kind: kind.Pod, Namespace: namespace, Name: target.Name}, true
}
