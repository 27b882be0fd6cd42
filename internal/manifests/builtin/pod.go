package builtin

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func defaultPodSpec(s *corev1.PodSpec) {
	setDefault(&s.RestartPolicy, corev1.RestartPolicyAlways)
	setDefault(&s.DNSPolicy, corev1.DNSClusterFirst)
	setDefault(&s.SchedulerName, corev1.DefaultSchedulerName)
	setPointer(&s.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
	setPointer(&s.SecurityContext, corev1.PodSecurityContext{})
	if s.ServiceAccountName == "" {
		s.ServiceAccountName = s.DeprecatedServiceAccount
	}
	s.DeprecatedServiceAccount = s.ServiceAccountName
	for i := range s.InitContainers {
		defaultContainer(&s.InitContainers[i])
	}
	for i := range s.Containers {
		defaultContainer(&s.Containers[i])
	}
	for i := range s.Volumes {
		defaultVolume(&s.Volumes[i])
	}
}

func validatePodSpec(s *corev1.PodSpec, at *field.Path) field.ErrorList {
	errs := oneOf(s.RestartPolicy, at.Child("restartPolicy"), corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)
	errs = append(errs, oneOf(s.DNSPolicy, at.Child("dnsPolicy"), corev1.DNSClusterFirst, corev1.DNSClusterFirstWithHostNet,
		corev1.DNSDefault, corev1.DNSNone)...)
	errs = append(errs, nonNegative(*s.TerminationGracePeriodSeconds, at.Child("terminationGracePeriodSeconds"))...)
	volumes, volumeErrs := validateVolumes(s.Volumes, at.Child("volumes"))
	errs = append(errs, volumeErrs...)
	if len(s.Containers) == 0 {
		errs = append(errs, field.Required(at.Child("containers"), ""))
	}
	names := unique{}
	errs = append(errs, validateContainers(s.InitContainers, volumes, names, at.Child("initContainers"))...)
	errs = append(errs, validateContainers(s.Containers, volumes, names, at.Child("containers"))...)
	for i, gate := range s.ReadinessGates {
		errs = append(errs, invalidFor(at.Child("readinessGates").Index(i).Child("conditionType"), gate.ConditionType,
			validation.IsQualifiedName(string(gate.ConditionType)))...)
	}
	if s.NodeName != "" {
		errs = append(errs, invalidFor(at.Child("nodeName"), s.NodeName, validation.IsDNS1123Subdomain(s.NodeName))...)
	}
	if s.ServiceAccountName != "" {
		errs = append(errs, invalidFor(at.Child("serviceAccountName"), s.ServiceAccountName, validation.IsDNS1123Subdomain(s.ServiceAccountName))...)
	}
	return errs
}

// validatePodStatus checks what a hand-written Pod says of itself.
func validatePodStatus(s *corev1.PodStatus, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Phase != "" {
		errs = append(errs, oneOf(s.Phase, at.Child("phase"), corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed,
			corev1.PodUnknown)...)
	}
	if s.PodIP != "" {
		errs = append(errs, address(s.PodIP, at.Child("podIP"))...)
	}
	for i, ip := range s.PodIPs {
		errs = append(errs, address(ip.IP, at.Child("podIPs").Index(i).Child("ip"))...)
	}
	return errs
}

func defaultVolume(v *corev1.Volume) {
	switch {
	case v.Secret != nil:
		setPointer(&v.Secret.DefaultMode, corev1.SecretVolumeSourceDefaultMode)
	case v.ConfigMap != nil:
		setPointer(&v.ConfigMap.DefaultMode, corev1.ConfigMapVolumeSourceDefaultMode)
	case v.DownwardAPI != nil:
		setPointer(&v.DownwardAPI.DefaultMode, corev1.DownwardAPIVolumeSourceDefaultMode)
	case v.Projected != nil:
		setPointer(&v.Projected.DefaultMode, corev1.ProjectedVolumeSourceDefaultMode)
	}
}

// validateVolumes returns the volumes' names.
func validateVolumes(volumes []corev1.Volume, at *field.Path) (unique, field.ErrorList) {
	names := unique{}
	var errs field.ErrorList
	for i, v := range volumes {
		path := at.Index(i).Child("name")
		if v.Name == "" {
			errs = append(errs, field.Required(path, ""))
			continue
		}
		errs = append(errs, dnsLabel(v.Name, path)...)
		errs = append(errs, names.add(v.Name, path)...)
	}
	return names, errs
}
