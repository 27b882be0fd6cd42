package builtin

import corev1 "k8s.io/api/core/v1"

// defaultNamespace adds the label that selectors of namespaces rely on.
func defaultNamespace(n *corev1.Namespace) {
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	n.Labels[corev1.LabelMetadataName] = n.Name
	if len(n.Spec.Finalizers) == 0 {
		n.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	}
	n.Status.Phase = corev1.NamespaceActive
}
