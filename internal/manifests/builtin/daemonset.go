package builtin

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func defaultDaemonSet(d *appsv1.DaemonSet) {
	defaultPodSpec(&d.Spec.Template.Spec)
	setDefault(&d.Spec.UpdateStrategy.Type, appsv1.RollingUpdateDaemonSetStrategyType)
	if d.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		setPointer(&d.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
		setPointer(&d.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
		setPointer(&d.Spec.UpdateStrategy.RollingUpdate.MaxSurge, intstr.FromInt32(0))
	}
	setPointer(&d.Spec.RevisionHistoryLimit, 10)
}

func validateDaemonSet(s *appsv1.DaemonSetSpec, at *field.Path) field.ErrorList {
	errs := nonNegative(int64(s.MinReadySeconds), at.Child("minReadySeconds"))
	errs = append(errs, validateSelector(s.Selector, &s.Template, at)...)
	errs = append(errs, validateTemplate(&s.Template, at.Child("template"))...)
	strategy, update := &s.UpdateStrategy, at.Child("updateStrategy")
	errs = append(errs, oneOf(strategy.Type, update.Child("type"),
		appsv1.RollingUpdateDaemonSetStrategyType, appsv1.OnDeleteDaemonSetStrategyType)...)
	r, rolling := strategy.RollingUpdate, update.Child("rollingUpdate")
	if r == nil || strategy.Type != appsv1.RollingUpdateDaemonSetStrategyType {
		return errs
	}
	bad := intOrPercent(*r.MaxUnavailable, rolling.Child("maxUnavailable"))
	bad = append(bad, intOrPercent(*r.MaxSurge, rolling.Child("maxSurge"))...)
	switch {
	case len(bad) > 0:
	case isZero(*r.MaxUnavailable) && isZero(*r.MaxSurge):
		bad = append(bad, field.Required(rolling.Child("maxUnavailable"), "cannot be 0 when maxSurge is 0"))
	case !isZero(*r.MaxUnavailable) && !isZero(*r.MaxSurge):
		bad = append(bad, field.Invalid(rolling.Child("maxSurge"), r.MaxSurge.String(), "may not be set when maxUnavailable is non-zero"))
	}
	return append(errs, bad...)
}
