package trouble

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/neg/annotation"
)

// groupsAsked is what is wrong with the network endpoint groups that a Service asks for.
func groupsAsked(service *corev1.Service) []Trouble {
	_, _, err := annotation.Ask(service)
	if err == nil {
		return nil
	}
	return []Trouble{{
		Field: "metadata.annotations[" + annotation.Name + "]", Rule: "InvalidNEGAnnotation", Severity: Error,
		Text: err.Error(),
	}}
}
