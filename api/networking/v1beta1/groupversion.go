// Package v1beta1 holds FrontendConfig, group networking.gke.io: what GKE users attach to an Ingress' load balancer by the
// annotation networking.gke.io/v1beta1.FrontendConfig.
//
// In: manifests, decoded and checked by internal/manifests against the CRD generated from this type (internal/crds). Out:
// typed objects for package ingress.
//
// +kubebuilder:object:generate=true
// +groupName=networking.gke.io
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group.
const GroupName = "networking.gke.io"

// SchemeGroupVersion is the group and version of every type here.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1beta1"}

// AddToScheme registers the types.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion, &FrontendConfig{}, &FrontendConfigList{})
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}
