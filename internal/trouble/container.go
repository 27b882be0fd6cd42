package trouble

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

// containers are those of a Pod that do not start; one that is about to is in order.
func containers(e *store.Entry) []Trouble {
	var all []Trouble
	status := PodStatus(e)
	for _, c := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses) {
		w := c.State.Waiting
		if w != nil && (strings.HasPrefix(w.Reason, "Err") || strings.Contains(w.Reason, "BackOff") || strings.HasSuffix(w.Reason, "Error")) {
			all = append(all, Trouble{Rule: w.Reason, Severity: Error, Text: "container " + c.Name + ": " + w.Reason + ": " + w.Message})
		}
	}
	return all
}

// PodStatus is a Pod's status: what was written of it, or what its manifest says.
func PodStatus(e *store.Entry) corev1.PodStatus {
	own := &corev1.PodStatus{}
	if pod, ok := e.Object.(*corev1.Pod); ok {
		own = &pod.Status
	}
	return *store.LatestStatus(e.Written, own)
}
