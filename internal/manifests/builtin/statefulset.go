package builtin

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func defaultStatefulSet(s *appsv1.StatefulSet) {
	defaultPodSpec(&s.Spec.Template.Spec)
	setPointer(&s.Spec.Replicas, 1)
	setDefault(&s.Spec.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	setDefault(&s.Spec.UpdateStrategy.Type, appsv1.RollingUpdateStatefulSetStrategyType)
	if s.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType {
		setPointer(&s.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
		setPointer(&s.Spec.UpdateStrategy.RollingUpdate.Partition, 0)
	}
	setPointer(&s.Spec.RevisionHistoryLimit, 10)
}

// validateStatefulSet lets volumeClaimTemplates stand for volumes of their names: they start empty.
func validateStatefulSet(s *appsv1.StatefulSetSpec, at *field.Path) field.ErrorList {
	template := s.Template.DeepCopy()
	for _, claim := range s.VolumeClaimTemplates {
		template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{Name: claim.Name})
	}
	errs := validateReplicas(*s.Replicas, s.MinReadySeconds, at)
	errs = append(errs, validateSelector(s.Selector, template, at)...)
	errs = append(errs, validateTemplate(template, at.Child("template"))...)
	errs = append(errs, oneOf(s.PodManagementPolicy, at.Child("podManagementPolicy"),
		appsv1.OrderedReadyPodManagement, appsv1.ParallelPodManagement)...)
	if s.Ordinals != nil {
		errs = append(errs, nonNegative(int64(s.Ordinals.Start), at.Child("ordinals", "start"))...)
	}
	strategy, update := &s.UpdateStrategy, at.Child("updateStrategy")
	errs = append(errs, oneOf(strategy.Type, update.Child("type"),
		appsv1.RollingUpdateStatefulSetStrategyType, appsv1.OnDeleteStatefulSetStrategyType)...)
	if r := strategy.RollingUpdate; r != nil {
		rolling := update.Child("rollingUpdate")
		if strategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return append(errs, field.Invalid(rolling, field.OmitValueType{}, "only allowed for updateStrategy 'RollingUpdate'"))
		}
		if r.Partition != nil {
			errs = append(errs, nonNegative(int64(*r.Partition), rolling.Child("partition"))...)
		}
		if r.MaxUnavailable != nil {
			errs = append(errs, positiveOrPercent(*r.MaxUnavailable, rolling.Child("maxUnavailable"))...)
		}
	}
	return errs
}

func positiveOrPercent(v intstr.IntOrString, at *field.Path) field.ErrorList {
	errs := intOrPercent(v, at)
	if len(errs) == 0 && isZero(v) {
		errs = append(errs, field.Invalid(at, v.String(), "cannot be 0"))
	}
	return errs
}
