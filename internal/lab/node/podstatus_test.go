package node

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

func at(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(seconds, 0).UTC()) }

func ready(status corev1.ConditionStatus, since metav1.Time) corev1.PodCondition {
	return corev1.PodCondition{Type: corev1.PodReady, Status: status, LastTransitionTime: since}
}

func TestConditionsKeepTheirTimes(t *testing.T) {
	is := &corev1.PodStatus{Conditions: []corev1.PodCondition{ready(corev1.ConditionTrue, at(10))}}
	status, same := merge(is, &corev1.PodStatus{QOSClass: "x", Conditions: []corev1.PodCondition{ready(corev1.ConditionTrue, metav1.Time{})}}, at(20))
	if !same || status.Conditions[0].LastTransitionTime != at(10) {
		t.Errorf("same is %v, the time %v", same, status.Conditions[0].LastTransitionTime)
	}
	if status.QOSClass != "" {
		t.Error("the class of service is the API server's")
	}
	status, same = merge(is, &corev1.PodStatus{Conditions: []corev1.PodCondition{ready(corev1.ConditionFalse, metav1.Time{})}}, at(20))
	if same || status.Conditions[0].LastTransitionTime != at(20) {
		t.Errorf("same is %v, the time %v", same, status.Conditions[0].LastTransitionTime)
	}
}

func TestWhatIsWrittenIsTheDifference(t *testing.T) {
	wanted := func(change func(*corev1.PodStatus)) *corev1.PodStatus {
		s := &corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.201.128.1", HostIP: "10.201.1.1",
			ContainerStatuses: []corev1.ContainerStatus{{Name: "c", Ready: true, State: corev1.ContainerState{
				Running: &corev1.ContainerStateRunning{StartedAt: at(5)},
			}}},
		}
		change(s)
		return s
	}
	nothing := func(*corev1.PodStatus) {}
	// What comes back from an API server has other time zones, and fields of others.
	is := wanted(func(s *corev1.PodStatus) {
		s.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(time.Unix(5, 0).In(time.FixedZone("x", 3600)))
		s.QOSClass = corev1.PodQOSBestEffort
	})
	if _, same := merge(is, wanted(nothing), at(20)); !same {
		t.Error("the same is a difference")
	}
	for what, change := range map[string]func(*corev1.PodStatus){
		"phase":    func(s *corev1.PodStatus) { s.Phase = corev1.PodFailed },
		"address":  func(s *corev1.PodStatus) { s.PodIP = "10.201.128.2" },
		"ready":    func(s *corev1.PodStatus) { s.ContainerStatuses[0].Ready = false },
		"restarts": func(s *corev1.PodStatus) { s.ContainerStatuses[0].RestartCount = 1 },
		"init":     func(s *corev1.PodStatus) { s.InitContainerStatuses = []corev1.ContainerStatus{{Name: "i"}} },
	} {
		if _, same := merge(is, wanted(change), at(20)); same {
			t.Errorf("%s: a difference is the same", what)
		}
	}
}

// TestAPatchLeavesTheGatesOfOthers applies the patch as an API server does.
func TestAPatchLeavesTheGatesOfOthers(t *testing.T) {
	gate := corev1.PodCondition{Type: "cloud.google.com/load-balancer-neg-ready", Status: corev1.ConditionTrue}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "1"},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{ready(corev1.ConditionFalse, at(10)), gate}},
	}
	status, _ := merge(&pod.Status, &corev1.PodStatus{Conditions: []corev1.PodCondition{ready(corev1.ConditionTrue, metav1.Time{})}}, at(20))
	text, err := patch("1", status)
	if err != nil {
		t.Fatal(err)
	}
	was, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := strategicpatch.StrategicMergePatch(was, text, &corev1.Pod{})
	if err != nil {
		t.Fatal(err)
	}
	var got corev1.Pod
	if err := json.Unmarshal(patched, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Status.Conditions) != 2 || conditionOf(&got.Status, gate.Type) == nil || conditionOf(&got.Status, corev1.PodReady).Status != corev1.ConditionTrue {
		t.Errorf("conditions are %+v", got.Status.Conditions)
	}
}
