package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Cluster is one member of the fleet: the folder that its cluster.yaml lies in.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:validation:XValidation:message="the name of a cluster is a DNS label of at most 40 characters",rule="self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')"
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.spec.region`
// +kubebuilder:printcolumn:name="Config",type=boolean,JSONPath=`.spec.configCluster`
// +kubebuilder:printcolumn:name="Reachable",type=string,JSONPath=`.status.conditions[?(@.type=="Reachable")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says where the cluster stands.
	//
	// +optional
	Spec ClusterSpec `json:"spec,omitempty"`
	// Status says how the cluster's API server is.
	//
	// +optional
	Status ClusterStatus `json:"status,omitempty"`
}

// ClusterList is a list of Clusters.
//
// +kubebuilder:object:root=true
type ClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Cluster `json:"items"`
}

// The defaults of a Cluster.
const (
	DefaultClusterName = "default"
	DefaultRegion      = "us-west1"
)

// ClusterSpec says where a cluster stands.
//
// +kubebuilder:validation:XValidation:message="zones must be zones of the region",rule="!has(self.zones) || self.zones.all(z, z.startsWith((has(self.region) ? self.region : 'us-west1') + '-'))"
type ClusterSpec struct {
	// Region is the name of a region, such as us-west1 or any other that the RTT table knows.
	//
	// +optional
	// +kubebuilder:default="us-west1"
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Region string `json:"region,omitempty"`
	// Zones are where the Nodes stand, one Node a zone; the region's zone "a" if empty.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Zones []string `json:"zones,omitempty"`
	// ConfigCluster marks the one cluster whose multi-cluster Gateways and routes are read. If no cluster is marked, the
	// first by name is it.
	//
	// +optional
	ConfigCluster bool `json:"configCluster,omitempty"`
	// DefaultNamespace is the namespace of the folder's objects that name none, as with `kubectl apply -n`; "default" if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	DefaultNamespace string `json:"defaultNamespace,omitempty"`
	// Project is the Google Cloud project that the cluster would belong to; it shows in names and paths.
	//
	// +optional
	Project Project `json:"project,omitempty"`
}

// ConditionReachable is the type of the condition that says whether a cluster's API server answers. While it is False, the cluster's
// objects are those that were last known.
const ConditionReachable = "Reachable"

// ClusterStatus is what a controller that watches the cluster says of it.
type ClusterStatus struct {
	// Conditions: Reachable.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// LastSeen is when the API server answered last, while it does not.
	//
	// +optional
	LastSeen *metav1.Time `json:"lastSeen,omitempty"`
}

// Project is a Google Cloud project.
type Project struct {
	// ID is the project id.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	ID string `json:"id,omitempty"`
	// Number is the project number.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Number int64 `json:"number,omitempty"`
}
