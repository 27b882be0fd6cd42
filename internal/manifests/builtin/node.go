package builtin

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func validateNode(n *corev1.Node) field.ErrorList {
	var errs field.ErrorList
	for i, a := range n.Status.Addresses {
		at := field.NewPath("status", "addresses").Index(i)
		errs = append(errs, oneOf(a.Type, at.Child("type"), corev1.NodeHostName, corev1.NodeInternalIP, corev1.NodeExternalIP,
			corev1.NodeInternalDNS, corev1.NodeExternalDNS)...)
		if a.Address == "" {
			errs = append(errs, field.Required(at.Child("address"), ""))
		}
	}
	for i, taint := range n.Spec.Taints {
		at := field.NewPath("spec", "taints").Index(i)
		errs = append(errs, invalidFor(at.Child("key"), taint.Key, validation.IsQualifiedName(taint.Key))...)
		errs = append(errs, oneOf(taint.Effect, at.Child("effect"), corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule,
			corev1.TaintEffectNoExecute)...)
	}
	if cidr := n.Spec.PodCIDR; cidr != "" {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			errs = append(errs, field.Invalid(field.NewPath("spec", "podCIDR"), cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"))
		}
	}
	return errs
}
