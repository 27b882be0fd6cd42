package gateway

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// condition has no time: the writer stamps it when the status changes.
func condition(generation int64, kind string, status bool, reason, message string) metav1.Condition {
	c := metav1.Condition{
		Type: kind, Status: metav1.ConditionFalse, ObservedGeneration: generation, Reason: reason, Message: message,
	}
	if status {
		c.Status = metav1.ConditionTrue
	}
	return c
}
