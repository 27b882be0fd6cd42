package admission

import (
	"context"
	"encoding/json"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
)

// gate adds to a Pod that is about to be made the readiness gates that it lacks. A Pod of a cluster that is not heard of gets none: nobody
// would open them.
func (s *Server) gate(_ context.Context, cluster string, r *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, result) {
	if r.Operation != admissionv1.Create || r.SubResource != "" || r.Kind.Group != "" || r.Kind.Kind != "Pod" || !s.config.Fresh(cluster) {
		return letThrough(), unjudged
	}
	pod := &corev1.Pod{}
	if err := json.Unmarshal(r.Object.Raw, pod); err != nil {
		return letThrough(), unjudged
	}
	pod.Namespace = r.Namespace
	patch := gatePatch(pod, s.config.Gates(s.recent.over(s.config.Store, cluster, r.Namespace, s.config.Now()), cluster, pod))
	if patch == nil {
		return letThrough(), allowed
	}
	response, kind := letThrough(), admissionv1.PatchTypeJSONPatch
	response.Patch, response.PatchType = patch, &kind
	return response, patched
}

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// gatePatch adds the gates that a Pod does not have yet; nil adds none.
func gatePatch(pod *corev1.Pod, gates []corev1.PodReadinessGate) []byte {
	const path = "/spec/readinessGates"
	gates = slices.DeleteFunc(slices.Clone(gates), func(g corev1.PodReadinessGate) bool { return slices.Contains(pod.Spec.ReadinessGates, g) })
	var operations []operation
	switch {
	case len(gates) == 0:
		return nil
	case pod.Spec.ReadinessGates == nil:
		operations = []operation{{"add", path, gates}}
	default:
		for _, g := range gates {
			operations = append(operations, operation{"add", path + "/-", g})
		}
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		return nil // gates are texts, which always marshal
	}
	return patch
}
