package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GCPTrafficExtension says what looks at requests and answers once their Service is known.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
type GCPTrafficExtension struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ExtensionSpec          `json:"spec"`
	Status gatewayv1.PolicyStatus `json:"status,omitempty"`
}

// GCPTrafficExtensionList is a list of GCPTrafficExtensions.
//
// +kubebuilder:object:root=true
type GCPTrafficExtensionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GCPTrafficExtension `json:"items"`
}
