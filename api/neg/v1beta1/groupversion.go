// Package v1beta1 holds ServiceNetworkEndpointGroup, group networking.gke.io: what the NEG controller says of the network endpoint
// groups of a Service port.
//
// In: what package neg makes of Services. Out: typed objects, as GKE clusters have them, that kubectl shows as svcneg. Users
// read them; nobody but the controller writes them.
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
	s.AddKnownTypes(SchemeGroupVersion, &ServiceNetworkEndpointGroup{}, &ServiceNetworkEndpointGroupList{})
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}
