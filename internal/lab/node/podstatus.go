package node

import (
	"encoding/json"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// merge is the status to write for a Pod of which is is known to be there: what is wanted, with the times at which conditions
// changed, and the conditions of others left alone. same: nothing has to be written.
func merge(is, wanted *corev1.PodStatus, now metav1.Time) (status *corev1.PodStatus, same bool) {
	status = wanted.DeepCopy()
	status.QOSClass = "" // the API server's own
	same = true
	for i := range status.Conditions {
		c := &status.Conditions[i]
		was := conditionOf(is, c.Type)
		c.LastTransitionTime = now
		if was != nil && was.Status == c.Status {
			c.LastTransitionTime = was.LastTransitionTime
		}
		same = same && was != nil && was.Status == c.Status && was.Reason == c.Reason && was.Message == c.Message
	}
	return status, same && sameBut(is, status)
}

func conditionOf(s *corev1.PodStatus, of corev1.PodConditionType) *corev1.PodCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == of {
			return &s.Conditions[i]
		}
	}
	return nil
}

// sameBut compares what a kubelet says beside conditions.
func sameBut(a, b *corev1.PodStatus) bool {
	return a.Phase == b.Phase && a.HostIP == b.HostIP && a.PodIP == b.PodIP &&
		reflect.DeepEqual(times(a.ContainerStatuses), times(b.ContainerStatuses)) &&
		reflect.DeepEqual(times(a.InitContainerStatuses), times(b.InitContainerStatuses))
}

// times makes of statuses what compares: an API server drops the zone of times, and what is empty.
func times(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	var plain []corev1.ContainerStatus
	text, err := json.Marshal(all)
	if err != nil || json.Unmarshal(text, &plain) != nil {
		return all
	}
	for i := range plain {
		plain[i].Resources, plain[i].AllocatedResources, plain[i].User, plain[i].VolumeMounts = nil, nil, nil, nil
	}
	return plain
}

// patch is a strategic merge patch of a status that applies to one Pod only, not to the next of its name.
func patch(uid string, s *corev1.PodStatus) ([]byte, error) {
	return json.Marshal(map[string]any{"metadata": map[string]any{"uid": uid}, "status": s})
}
