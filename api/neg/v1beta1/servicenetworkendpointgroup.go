package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ServiceNetworkEndpointGroup is a set of network endpoint groups, one a zone, that have one name and belong to one port of a
// Service.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:shortName=svcneg
type ServiceNetworkEndpointGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec ServiceNetworkEndpointGroupSpec `json:"spec,omitempty"`
	// +optional
	Status ServiceNetworkEndpointGroupStatus `json:"status,omitempty"`
}

// ServiceNetworkEndpointGroupList is a list of ServiceNetworkEndpointGroups.
//
// +kubebuilder:object:root=true
type ServiceNetworkEndpointGroupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ServiceNetworkEndpointGroup `json:"items"`
}

// ServiceNetworkEndpointGroupSpec has nothing in it.
type ServiceNetworkEndpointGroupSpec struct{}

// ServiceNetworkEndpointGroupStatus says which groups there are and how they are.
type ServiceNetworkEndpointGroupStatus struct {
	// NetworkEndpointGroups are the groups, one a zone.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	NetworkEndpointGroups []NegObjectReference `json:"networkEndpointGroups,omitempty"`
	// Conditions are Initialized and Synced.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []Condition `json:"conditions,omitempty"`
	// LastSyncTime is when the endpoints were last compared with those of the Service.
	//
	// +optional
	LastSyncTime metav1.Time `json:"lastSyncTime,omitempty"`
}

// NegObjectReference is a network endpoint group.
type NegObjectReference struct {
	// Id is the group's number.
	//
	// +required
	Id string `json:"id,omitempty"`
	// SelfLink is the group's URL in the Compute API.
	//
	// +optional
	SelfLink string `json:"selfLink,omitempty"`
	// SubnetURL is the subnet of the endpoints.
	//
	// +optional
	SubnetURL string `json:"subnetURL,omitempty"`
	// NetworkEndpointType is GCE_VM_IP_PORT.
	//
	// +optional
	NetworkEndpointType string `json:"networkEndpointType,omitempty"`
	// State is ACTIVE, INACTIVE in a zone that lost its Nodes, or TO_BE_DELETED; empty means ACTIVE.
	//
	// +optional
	State string `json:"state,omitempty"`
}

// Condition is one state of the groups.
type Condition struct {
	// +required
	Type string `json:"type"`
	// Status is True, False or Unknown.
	//
	// +required
	Status string `json:"status"`
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// +required
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
	// +required
	Reason string `json:"reason"`
	// +optional
	Message string `json:"message"`
}

// The conditions and their reasons.
const (
	Initialized = "Initialized"
	Synced      = "Synced"

	NegInitializationSuccessful = "NegInitializationSuccessful"
	NegInitializationFailed     = "NegInitializationFailed"
	NegSyncSuccessful           = "NegSyncSuccessful"
	NegSyncFailed               = "NegSyncFailed"
)
