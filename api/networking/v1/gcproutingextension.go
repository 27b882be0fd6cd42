package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GCPRoutingExtension says what decides on requests before a route is chosen for them.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
type GCPRoutingExtension struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ExtensionSpec          `json:"spec"`
	Status gatewayv1.PolicyStatus `json:"status,omitempty"`
}

// GCPRoutingExtensionList is a list of GCPRoutingExtensions.
//
// +kubebuilder:object:root=true
type GCPRoutingExtensionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GCPRoutingExtension `json:"items"`
}
