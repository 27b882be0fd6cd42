package builtin

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func defaultDeployment(d *appsv1.Deployment) {
	defaultPodSpec(&d.Spec.Template.Spec)
	setPointer(&d.Spec.Replicas, 1)
	setDefault(&d.Spec.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if d.Spec.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		setPointer(&d.Spec.Strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		setPointer(&d.Spec.Strategy.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		setPointer(&d.Spec.Strategy.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
	setPointer(&d.Spec.RevisionHistoryLimit, 10)
	setPointer(&d.Spec.ProgressDeadlineSeconds, 600)
}

func defaultReplicaSet(r *appsv1.ReplicaSet) {
	defaultPodSpec(&r.Spec.Template.Spec)
	setPointer(&r.Spec.Replicas, 1)
}

func validateDeployment(s *appsv1.DeploymentSpec, at *field.Path) field.ErrorList {
	errs := validateReplicas(*s.Replicas, s.MinReadySeconds, at)
	errs = append(errs, validateSelector(s.Selector, &s.Template, at)...)
	errs = append(errs, validateTemplate(&s.Template, at.Child("template"))...)
	errs = append(errs, validateStrategy(&s.Strategy, at.Child("strategy"))...)
	errs = append(errs, nonNegative(int64(*s.RevisionHistoryLimit), at.Child("revisionHistoryLimit"))...)
	if *s.ProgressDeadlineSeconds <= s.MinReadySeconds {
		errs = append(errs, field.Invalid(at.Child("progressDeadlineSeconds"), *s.ProgressDeadlineSeconds, "must be greater than minReadySeconds"))
	}
	return errs
}

func validateReplicaSet(s *appsv1.ReplicaSetSpec, at *field.Path) field.ErrorList {
	errs := validateReplicas(*s.Replicas, s.MinReadySeconds, at)
	errs = append(errs, validateSelector(s.Selector, &s.Template, at)...)
	return append(errs, validateTemplate(&s.Template, at.Child("template"))...)
}

func validateReplicas(replicas, minReadySeconds int32, at *field.Path) field.ErrorList {
	errs := nonNegative(int64(replicas), at.Child("replicas"))
	return append(errs, nonNegative(int64(minReadySeconds), at.Child("minReadySeconds"))...)
}

func validateSelector(s *metav1.LabelSelector, template *corev1.PodTemplateSpec, at *field.Path) field.ErrorList {
	path := at.Child("selector")
	if s == nil {
		return field.ErrorList{field.Required(path, "")}
	}
	errs := metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, path)
	if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		errs = append(errs, field.Invalid(path, field.OmitValueType{}, "empty selector is invalid for deployment"))
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err == nil && !selector.Empty() && !selector.Matches(labels.Set(template.Labels)) {
		errs = append(errs, field.Invalid(at.Child("template", "metadata", "labels"), template.Labels, "`selector` does not match template `labels`"))
	}
	return errs
}

func validateTemplate(t *corev1.PodTemplateSpec, at *field.Path) field.ErrorList {
	errs := metav1validation.ValidateLabels(t.Labels, at.Child("metadata", "labels"))
	errs = append(errs, validatePodSpec(&t.Spec, at.Child("spec"))...)
	if t.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		errs = append(errs, field.NotSupported(at.Child("spec", "restartPolicy"), t.Spec.RestartPolicy, []corev1.RestartPolicy{corev1.RestartPolicyAlways}))
	}
	return errs
}

func validateStrategy(s *appsv1.DeploymentStrategy, at *field.Path) field.ErrorList {
	switch s.Type {
	case appsv1.RecreateDeploymentStrategyType:
		if s.RollingUpdate != nil {
			return field.ErrorList{field.Forbidden(at.Child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'")}
		}
		return nil
	case appsv1.RollingUpdateDeploymentStrategyType:
		r, path := s.RollingUpdate, at.Child("rollingUpdate")
		errs := intOrPercent(*r.MaxUnavailable, path.Child("maxUnavailable"))
		errs = append(errs, intOrPercent(*r.MaxSurge, path.Child("maxSurge"))...)
		if len(errs) == 0 && isZero(*r.MaxUnavailable) && isZero(*r.MaxSurge) {
			errs = append(errs, field.Invalid(path.Child("maxUnavailable"), r.MaxUnavailable.String(), "may not be 0 when `maxSurge` is 0"))
		}
		return errs
	default:
		return oneOf(s.Type, at.Child("type"), appsv1.RecreateDeploymentStrategyType, appsv1.RollingUpdateDeploymentStrategyType)
	}
}

func intOrPercent(v intstr.IntOrString, at *field.Path) field.ErrorList {
	if v.Type == intstr.Int {
		return nonNegative(int64(v.IntVal), at)
	}
	percent, err := strconv.Atoi(strings.TrimSuffix(v.StrVal, "%"))
	if err != nil || percent < 0 || !strings.HasSuffix(v.StrVal, "%") {
		return field.ErrorList{field.Invalid(at, v.StrVal, "must be an integer or percentage (e.g '5%')")}
	}
	return nil
}

func isZero(v intstr.IntOrString) bool {
	return v.Type == intstr.Int && v.IntVal == 0 || v.Type == intstr.String && strings.Trim(v.StrVal, "0%") == ""
}
