package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GCPTrafficDistributionPolicy says how traffic is spread over the backends and endpoints of Services.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
type GCPTrafficDistributionPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec defines the desired state for traffic distribution.
	Spec GCPTrafficDistributionPolicySpec `json:"spec"`
	// Status provides the current state of GCPTrafficDistributionPolicy.
	Status gatewayv1.PolicyStatus `json:"status,omitempty"`
}

// GCPTrafficDistributionPolicyList is a list of GCPTrafficDistributionPolicies.
//
// +kubebuilder:object:root=true
type GCPTrafficDistributionPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GCPTrafficDistributionPolicy `json:"items"`
}

// GCPTrafficDistributionPolicySpec is some Services and their settings.
type GCPTrafficDistributionPolicySpec struct {
	// TargetRefs name the Services.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:message="TargetRefs must reference Service",rule="self.all(x, x.kind == 'Service' && x.group == '')"
	TargetRefs []LocalPolicyTargetReference `json:"targetRefs"`
	// Default holds the settings of the targets.
	//
	// +optional
	Default *TrafficDistributionConfig `json:"default,omitempty"`
}

// ServiceLbAlgorithm says how traffic is spread over clusters and zones.
//
// +kubebuilder:validation:Enum=SPRAY_TO_REGION;WATERFALL_BY_ZONE;WATERFALL_BY_REGION
type ServiceLbAlgorithm string

// LocalityLbAlgorithm says how an endpoint is picked within a zone.
//
// +kubebuilder:validation:Enum=ROUND_ROBIN;LEAST_REQUEST;RING_HASH;RANDOM;ORIGINAL_DESTINATION;MAGLEV;WEIGHTED_ROUND_ROBIN
type LocalityLbAlgorithm string

// TrafficDistributionConfig holds the settings of a Service.
type TrafficDistributionConfig struct {
	// ServiceLbAlgorithm is WATERFALL_BY_REGION if unset.
	//
	// +optional
	ServiceLbAlgorithm *ServiceLbAlgorithm `json:"serviceLbAlgorithm,omitempty"`
	// LocalityLbAlgorithm is ROUND_ROBIN if unset.
	//
	// +optional
	LocalityLbAlgorithm *LocalityLbAlgorithm `json:"localityLbAlgorithm,omitempty"`
	// AutoCapacityDrain takes backends out when too few of their endpoints are healthy.
	//
	// +optional
	AutoCapacityDrain *AutoCapacityDrain `json:"autoCapacityDrain,omitempty"`
	// FailoverConfig says when traffic leaves for failover backends.
	//
	// +optional
	FailoverConfig *FailoverConfig `json:"failoverConfig,omitempty"`
}

// AutoCapacityDrain switches automatic draining.
type AutoCapacityDrain struct {
	// EnableAutoCapacityDrain gives a (cluster, zone) no capacity while fewer than 25 % of its endpoints are healthy.
	// False if unset.
	//
	// +optional
	EnableAutoCapacityDrain *bool `json:"enableAutoCapacityDrain,omitempty"`
}

// FailoverConfig sets the failover threshold.
type FailoverConfig struct {
	// FailoverHealthThreshold is the percentage of healthy endpoints below which traffic leaves; 70 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	FailoverHealthThreshold *int32 `json:"failoverHealthThreshold,omitempty"`
}
