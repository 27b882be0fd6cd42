// Package v1 holds BackendConfig, group cloud.google.com: what GKE users attach to Services that Ingresses send to.
//
// In: manifests, decoded and checked by internal/manifests against the CRD generated from this type (internal/crds). Out:
// typed objects for the translators. The CRD knows names and types of fields, as GKE's does; values are judged by the
// translators, which say what is wrong on the Ingress.
//
// +kubebuilder:object:generate=true
// +groupName=cloud.google.com
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of BackendConfigs.
const GroupName = "cloud.google.com"

// SchemeGroupVersion is the group and version of every type here.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1"}

// AddToScheme registers the types.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion, &BackendConfig{}, &BackendConfigList{})
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}
