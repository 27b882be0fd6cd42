// Package builtin knows what an API server knows of the kinds that are no custom resources: the defaults it fills in
// and the rules it holds objects to, as far as they matter to a load balancer.
//
// In: a typed object, decoded strictly. Out: the same object with defaults (Default, which changes it), and the
// errors of its fields in Kubernetes' own words (Validate). Kinds without an entry here have no defaults or rules
// beyond those of their metadata.
package builtin

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	ingressv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Default fills in what an API server would.
func Default(o runtime.Object) {
	switch o := o.(type) {
	case *corev1.Namespace:
		defaultNamespace(o)
	case *corev1.Service:
		defaultService(o)
	case *corev1.Pod:
		defaultPodSpec(&o.Spec)
	case *corev1.Secret:
		defaultSecret(o)
	case *appsv1.Deployment:
		defaultDeployment(o)
	case *appsv1.ReplicaSet:
		defaultReplicaSet(o)
	case *appsv1.StatefulSet:
		defaultStatefulSet(o)
	case *appsv1.DaemonSet:
		defaultDaemonSet(o)
	case *discoveryv1.EndpointSlice:
		defaultEndpointSlice(o)
	}
}

// Validate returns what is wrong with an object that has its defaults.
func Validate(o runtime.Object) field.ErrorList {
	spec := field.NewPath("spec")
	switch o := o.(type) {
	case *corev1.Service:
		return validateService(&o.Spec, spec)
	case *corev1.Pod:
		return append(validatePodSpec(&o.Spec, spec), validatePodStatus(&o.Status, field.NewPath("status"))...)
	case *corev1.Node:
		return validateNode(o)
	case *corev1.Secret:
		return validateSecret(o)
	case *corev1.ConfigMap:
		return validateConfigMap(o)
	case *appsv1.Deployment:
		return validateDeployment(&o.Spec, spec)
	case *appsv1.ReplicaSet:
		return validateReplicaSet(&o.Spec, spec)
	case *appsv1.StatefulSet:
		return validateStatefulSet(&o.Spec, spec)
	case *appsv1.DaemonSet:
		return validateDaemonSet(&o.Spec, spec)
	case *discoveryv1.EndpointSlice:
		return validateEndpointSlice(o)
	case *ingressv1.Ingress:
		return validateIngress(o)
	case *ingressv1.IngressClass:
		return validateIngressClass(o)
	}
	return nil
}

// setDefault gives an empty value its default.
func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// setPointer gives a value that is not set its default.
func setPointer[T any](v **T, to T) {
	if *v == nil {
		*v = &to
	}
}

// oneOf reports a value that is none of those allowed.
func oneOf[T ~string](v T, at *field.Path, allowed ...T) field.ErrorList {
	for _, a := range allowed {
		if v == a {
			return nil
		}
	}
	if v == "" {
		return field.ErrorList{field.Required(at, "")}
	}
	return field.ErrorList{field.NotSupported(at, v, allowed)}
}

func portNumber(port int32, at *field.Path) field.ErrorList {
	return invalidFor(at, port, validation.IsValidPortNum(int(port)))
}

func nonNegative(v int64, at *field.Path) field.ErrorList {
	if v >= 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(at, v, "must be greater than or equal to 0")}
}

func dnsLabel(name string, at *field.Path) field.ErrorList {
	return invalidFor(at, name, validation.IsDNS1123Label(name))
}

func invalidFor(at *field.Path, value any, messages []string) field.ErrorList {
	var errs field.ErrorList
	for _, m := range messages {
		errs = append(errs, field.Invalid(at, value, m))
	}
	return errs
}

// unique reports the second of two equal keys.
type unique map[string]bool

func (u unique) add(key string, at *field.Path) field.ErrorList {
	if u[key] {
		return field.ErrorList{field.Duplicate(at, key)}
	}
	u[key] = true
	return nil
}

func between(v, low, high int64, at *field.Path) field.ErrorList {
	if v >= low && v <= high {
		return nil
	}
	return field.ErrorList{field.Invalid(at, v, fmt.Sprintf("must be between %d and %d, inclusive", low, high))}
}
