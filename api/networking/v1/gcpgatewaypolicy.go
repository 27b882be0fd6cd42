package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// GCPGatewayPolicy sets what a Gateway's load balancer has beyond the Gateway API.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
type GCPGatewayPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec defines the desired state of GCPGatewayPolicy.
	Spec GCPGatewayPolicySpec `json:"spec"`
	// Status defines the current state of GCPGatewayPolicy.
	Status GCPGatewayPolicyStatus `json:"status,omitempty"`
}

// GCPGatewayPolicyList is a list of GCPGatewayPolicies.
//
// +kubebuilder:object:root=true
type GCPGatewayPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GCPGatewayPolicy `json:"items"`
}

// GCPGatewayPolicySpec is a Gateway and its settings.
type GCPGatewayPolicySpec struct {
	// TargetRef names the Gateway.
	TargetRef PolicyTargetReference `json:"targetRef"`
	// Default holds the settings of the target.
	//
	// +optional
	Default *GCPGatewayPolicyConfig `json:"default,omitempty"`
}

// GCPGatewayPolicyConfig holds the settings of a Gateway.
type GCPGatewayPolicyConfig struct {
	// SSLPolicy is the name or path of the SSL policy of the HTTPS listeners.
	//
	// +optional
	SSLPolicy *string `json:"sslPolicy,omitempty"`
	// AllowGlobalAccess lets clients of every region use an internal load balancer.
	//
	// +optional
	AllowGlobalAccess *bool `json:"allowGlobalAccess,omitempty"`
	// Region is where the load balancer of a regional multi-cluster Gateway stands.
	//
	// +optional
	Region *string `json:"region,omitempty"`
}

// GCPGatewayPolicyStatus tells whether the policy is attached.
type GCPGatewayPolicyStatus struct {
	// Conditions describe the current conditions of the policy.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// HealthCheckPolicyStatus tells whether the policy is attached.
type HealthCheckPolicyStatus struct {
	// Conditions describe the current conditions of the policy.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
