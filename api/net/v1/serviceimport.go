package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ServiceImport is a Service of the fleet as every member sees it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:resource:shortName=svcim
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="IP",type=string,JSONPath=`.spec.ips`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ServiceImport struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the exports add up to.
	//
	// +optional
	Spec ServiceImportSpec `json:"spec,omitempty"`
	// Status names the exporting clusters.
	//
	// +optional
	Status ServiceImportStatus `json:"status,omitempty"`
}

// ServiceImportList is a list of ServiceImports.
//
// +kubebuilder:object:root=true
type ServiceImportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ServiceImport `json:"items"`
}

// ServiceImportType says whether an import has an address.
//
// +kubebuilder:validation:Enum=ClusterSetIP;Headless
type ServiceImportType string

// The types of imports.
const (
	ClusterSetIP ServiceImportType = "ClusterSetIP"
	Headless     ServiceImportType = "Headless"
)

// ServiceImportSpec is what the exports of a Service add up to.
type ServiceImportSpec struct {
	// Ports is the union of the exported Services' ports.
	//
	// +listType=atomic
	Ports []ServicePort `json:"ports"`
	// IPs is the ClusterSetIP as this member knows it; it differs from member to member. Empty if headless.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=2
	IPs []string `json:"ips,omitempty"`
	// Type is ClusterSetIP or Headless.
	Type ServiceImportType `json:"type"`
	// SessionAffinity is that of the exported Services.
	//
	// +optional
	SessionAffinity corev1.ServiceAffinity `json:"sessionAffinity,omitempty"`
	// SessionAffinityConfig is that of the exported Services.
	//
	// +optional
	SessionAffinityConfig *corev1.SessionAffinityConfig `json:"sessionAffinityConfig,omitempty"`
}

// ServicePort is one port of an import.
type ServicePort struct {
	// Name is the port's name; it may be empty if there is only one port.
	//
	// +optional
	Name string `json:"name,omitempty"`
	// Protocol is TCP, UDP or SCTP; TCP if unset.
	//
	// +optional
	Protocol corev1.Protocol `json:"protocol,omitempty"`
	// AppProtocol is the application protocol.
	//
	// +optional
	AppProtocol *string `json:"appProtocol,omitempty"`
	// Port is the port's number.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
}

// ServiceImportStatus names the exporting clusters.
type ServiceImportStatus struct {
	// Clusters are the members that export the Service.
	//
	// +optional
	// +listType=map
	// +listMapKey=cluster
	Clusters []ClusterStatus `json:"clusters,omitempty"`
	// Conditions describe the current conditions of the import.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ClusterStatus is one exporting cluster.
type ClusterStatus struct {
	// Cluster is the path of the membership, projects/NUMBER/locations/LOCATION/memberships/NAME.
	Cluster string `json:"cluster"`
}
