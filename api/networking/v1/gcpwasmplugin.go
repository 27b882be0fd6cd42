package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GCPWasmPlugin is a Wasm module that GCPTrafficExtensions can name, in one or more versions.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
type GCPWasmPlugin struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   GCPWasmPluginSpec      `json:"spec"`
	Status gatewayv1.PolicyStatus `json:"status,omitempty"`
}

// GCPWasmPluginList is a list of GCPWasmPlugins.
//
// +kubebuilder:object:root=true
type GCPWasmPluginList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GCPWasmPlugin `json:"items"`
}

// GCPWasmPluginSpec is the versions of a plugin and what is logged of it.
type GCPWasmPluginSpec struct {
	// Versions are those that there are. The one with a weight runs.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	// +listType=map
	// +listMapKey=name
	Versions []WasmPluginVersion `json:"versions"`
	// LogConfig is off if unset.
	//
	// +optional
	LogConfig *WasmPluginLogConfig `json:"logConfig,omitempty"`
	// Upstreams are what the plugin may send HTTP and gRPC calls to. Spillway's own: it takes the annotation
	// spillway.dev/wasm-profile: full, which plugins that call out need.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	Upstreams []WasmPluginUpstream `json:"upstreams,omitempty"`
}

// WasmPluginUpstream is something that a plugin may call.
type WasmPluginUpstream struct {
	// Name is what the plugin calls it: the upstream of proxy_http_call, or the cluster of a GrpcService.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// BackendRef is the Service that gets the calls.
	BackendRef WasmPluginBackendRef `json:"backendRef"`
}

// WasmPluginBackendRef names a port of a Service, or of a ServiceImport.
//
// +kubebuilder:validation:XValidation:message="Group must be empty if kind is Service",rule="self.kind == 'Service' ? size(self.group) == 0 : true"
// +kubebuilder:validation:XValidation:message="Group must be set to `net.gke.io` if kind is ServiceImport",rule="self.kind == 'ServiceImport' ? self.group == 'net.gke.io' : true"
type WasmPluginBackendRef struct {
	// Group is "" for Services.
	//
	// +kubebuilder:default=""
	// +kubebuilder:validation:Enum="";net.gke.io
	Group string `json:"group"`
	// Kind is Service if unset.
	//
	// +kubebuilder:default=Service
	// +kubebuilder:validation:Enum=Service;ServiceImport
	Kind string `json:"kind"`
	// Name of the object.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Namespace is the plugin's if unset. In another one a ReferenceGrant must allow the reference.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace *string `json:"namespace,omitempty"`
	// Port is the Service's. gRPC needs one that speaks HTTP/2 (appProtocol HTTP2, kubernetes.io/h2c or grpc).
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
}

// WasmPluginVersion is a module with its configuration.
//
// +kubebuilder:validation:XValidation:message="At most one of pluginConfigData and pluginConfigURI may be set",rule="!(has(self.pluginConfigData) && has(self.pluginConfigURI))"
type WasmPluginVersion struct {
	// Name is unique among the versions of the plugin: RFC 1034, up to 63 characters.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`
	Name string `json:"name"`
	// Description is for people.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Description string `json:"description,omitempty"`
	// Image is a container image that holds plugin.wasm. Its tag is resolved once, when the version is made.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image"`
	// Weight is 0 for every version but the one that runs.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Weight int32 `json:"weight"`
	// PluginConfigData is given to the plugin when it starts. Spillway's own: the load balancer has it, GKE's CRD is not known to.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=921600
	PluginConfigData *string `json:"pluginConfigData,omitempty"`
	// PluginConfigURI is an image that holds plugin.config, instead of PluginConfigData. Spillway's own as well.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	PluginConfigURI *string `json:"pluginConfigURI,omitempty"`
}

// WasmLogLevel is how grave a message is.
//
// +kubebuilder:validation:Enum=TRACE;DEBUG;INFO;WARN;ERROR;CRITICAL
type WasmLogLevel string

// WasmPluginLogConfig says which messages of a plugin are logged.
type WasmPluginLogConfig struct {
	// Enabled is false if unset.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// SampleRate is how many of a million requests are logged; all if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	SampleRate *int32 `json:"sampleRate,omitempty"`
	// MinLogLevel is INFO if unset.
	//
	// +optional
	MinLogLevel *WasmLogLevel `json:"minLogLevel,omitempty"`
}
