// Package v1 holds GKE's multi-cluster Service kinds, group net.gke.io.
//
// In: a ServiceExport in a member cluster, which has nothing but a name: it exports the Service of that name. Out: a
// ServiceImport of the same namespace and name in every member, written by internal/fleet and named by routes as
// their backend.
//
// +kubebuilder:object:generate=true
// +groupName=net.gke.io
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of the kinds.
const GroupName = "net.gke.io"

// SchemeGroupVersion is the group and version of every type here.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1"}

// AddToScheme registers the types.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion,
		&ServiceExport{}, &ServiceExportList{},
		&ServiceImport{}, &ServiceImportList{},
	)
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}
