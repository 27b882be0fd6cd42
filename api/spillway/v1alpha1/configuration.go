package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Configuration holds what belongs to no single cluster. It stands in spillway.yaml at the top of the directory.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster
type Configuration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec holds the settings.
	//
	// +optional
	Spec ConfigurationSpec `json:"spec,omitempty"`
	// Status says what of the settings applies to nothing.
	//
	// +optional
	Status ConfigurationStatus `json:"status,omitempty"`
}

// ConfigurationStatus says what of the settings applies to nothing.
type ConfigurationStatus struct {
	// Conditions: Accepted is there with frontends or backends, and False while one names what does not exist.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ConfigurationList is a list of Configurations.
//
// +kubebuilder:object:root=true
type ConfigurationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Configuration `json:"items"`
}

// ConfigurationSpec holds the settings.
type ConfigurationSpec struct {
	// RTT overrides round-trip times between regions. An entry holds for both directions.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=1024
	RTT []RoundTripTime `json:"rtt,omitempty"`
	// Images say what runs for a container image that is not built in; the first pattern that matches counts.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Images []Image `json:"images,omitempty"`
	// SSLPolicies are what GCPGatewayPolicies name, as gcloud's ssl-policies are. The names COMPATIBLE, MODERN and
	// RESTRICTED stand for the profiles with TLS 1.2 without being listed.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	SSLPolicies []SSLPolicy `json:"sslPolicies,omitempty"`
	// Frontends are settings of what clients of Gateways connect to.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Frontends []FrontendSettings `json:"frontends,omitempty"`
	// Backends are settings of what Services are to the proxies.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Backends []BackendSettings `json:"backends,omitempty"`
	// Extensions are settings of service extensions.
	//
	// +optional
	Extensions *ExtensionSettings `json:"extensions,omitempty"`
	// GoogleAPIs say what stands for the hosts that extensions name by googleAPIServiceName.
	//
	// +optional
	// +listType=map
	// +listMapKey=host
	// +kubebuilder:validation:MaxItems=64
	GoogleAPIs []GoogleAPI `json:"googleAPIs,omitempty"`
	// Addresses are what NamedAddresses of Gateways, and the static IP names of Ingresses, stand for, as gcloud's addresses do. A name
	// that is not listed gets, for a Gateway, an address of the proxies' host by the hash of the name; an Ingress is refused it.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Addresses []NamedAddress `json:"addresses,omitempty"`
	// ReadinessGates are settings of the readiness gate cloud.google.com/load-balancer-neg-ready.
	//
	// +optional
	ReadinessGates *ReadinessGateSettings `json:"readinessGates,omitempty"`
	// GatewayAPI are settings of how Gateways are read.
	//
	// +optional
	GatewayAPI *GatewayAPISettings `json:"gatewayAPI,omitempty"`
	// Project is the project of clusters that name none.
	//
	// +optional
	Project Project `json:"project,omitempty"`
}

// NamedAddress is an address of the proxies' host with a name.
type NamedAddress struct {
	// Name is what Gateways and Ingresses ask for.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Address is an IP address; by the hash of the name if it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:message="must be an IP address",rule="isIP(self)"
	Address string `json:"address,omitempty"`
}

// GatewayAPISettings are settings of how Gateways and their routes are read.
type GatewayAPISettings struct {
	// Strict refuses, for Gateways of the classes gke-l7-*, what GKE refuses of the Gateway API, with GKE's errors, so that manifests
	// that work here work there. Without it these classes have all features. The class spillway, and classes of GatewayClasses with
	// other names, are never strict.
	//
	// +optional
	Strict bool `json:"strict,omitempty"`
}

// ReadinessGateSettings are settings of the gate by which a load balancer has a say in a Pod's readiness.
type ReadinessGateSettings struct {
	// FailClosed keeps the gate of a Pod shut for as long as no load balancer finds it healthy. Without it the gate opens ten
	// minutes after the Pod was made whatever load balancers find, as on GKE, and a bad rollout goes on.
	//
	// +optional
	FailClosed bool `json:"failClosed,omitempty"`
}

// SSLPolicy says what HTTPS clients must be able to.
type SSLPolicy struct {
	// Name is what GCPGatewayPolicies refer to, alone or at the end of a path.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Profile is the set of cipher suites: COMPATIBLE has all, RESTRICTED only those with forward secrecy and AEAD.
	//
	// +optional
	// +kubebuilder:default=COMPATIBLE
	// +kubebuilder:validation:Enum=COMPATIBLE;MODERN;RESTRICTED
	Profile string `json:"profile,omitempty"`
	// MinTLSVersion is the oldest version that is spoken. TLS 1.0 and 1.1 are not offered.
	//
	// +optional
	// +kubebuilder:default=TLS_1_2
	// +kubebuilder:validation:Enum=TLS_1_2;TLS_1_3
	MinTLSVersion string `json:"minTlsVersion,omitempty"`
}

// RoundTripTime is the round-trip time between two regions.
type RoundTripTime struct {
	// From is a region.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	From string `json:"from"`
	// To is a region.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	To string `json:"to"`
	// Milliseconds is the round-trip time.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Milliseconds int32 `json:"milliseconds"`
}

// Image maps container images to a local command or to an address.
//
// +kubebuilder:validation:XValidation:message="exactly one of command and address must be set",rule="has(self.command) != has(self.address)"
// +kubebuilder:validation:XValidation:message="env needs a command",rule="!has(self.env) || has(self.command)"
// +kubebuilder:validation:XValidation:message="workingDir needs a command",rule="!has(self.workingDir) || has(self.command)"
type Image struct {
	// Image is the image, with or without tag; * stands for any characters.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image"`
	// Command is the program and its arguments, one process a Pod. It finds POD_IP, POD_NAME, POD_NAMESPACE, PORT and the
	// container's own environment.
	//
	// +optional
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`
	// Address is host:port of something that already runs; every Pod of the image is that.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z]([-.0-9A-Za-z]*[0-9A-Za-z])?):[0-9]{1,5}$`
	Address string `json:"address,omitempty"`
	// Env is added to the environment of the command.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Env []EnvVar `json:"env,omitempty"`
	// WorkingDir is where the command starts; relative to the directory that is served, and that directory if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	WorkingDir string `json:"workingDir,omitempty"`
}

// EnvVar is an environment variable.
type EnvVar struct {
	// Name is the variable's name.
	//
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	// +kubebuilder:validation:MaxLength=256
	Name string `json:"name"`
	// Value is the variable's value.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32768
	Value string `json:"value,omitempty"`
}
