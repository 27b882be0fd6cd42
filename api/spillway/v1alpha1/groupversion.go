// Package v1alpha1 holds the kinds of the directory that `spillway serve` reads, group spillway.dev.
//
// In: a cluster.yaml in each cluster's folder (Cluster), and at most one spillway.yaml at the top (Configuration).
// Out: typed objects that say which clusters there are and how they are run. They are validated like every other
// kind, against the CRDs generated from these types.
//
// +kubebuilder:object:generate=true
// +groupName=spillway.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of the kinds.
const GroupName = "spillway.dev"

// SchemeGroupVersion is the group and version of every type here.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

// AddToScheme registers the types.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion,
		&Cluster{}, &ClusterList{},
		&Configuration{}, &ConfigurationList{},
	)
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}
