package v1

// PortSpecification says how the port of a probe is chosen.
//
// +kubebuilder:validation:Enum=USE_FIXED_PORT;USE_NAMED_PORT;USE_SERVING_PORT
type PortSpecification string

// The ways to choose the port of a probe.
const (
	UseFixedPort   PortSpecification = "USE_FIXED_PORT"
	UseNamedPort   PortSpecification = "USE_NAMED_PORT"
	UseServingPort PortSpecification = "USE_SERVING_PORT"
)

// ProxyHeader says whether a probe starts with a PROXY protocol header.
//
// +kubebuilder:validation:Enum=NONE;PROXY_V1
type ProxyHeader string

// The proxy headers.
const (
	ProxyHeaderNone ProxyHeader = "NONE"
	ProxyHeaderV1   ProxyHeader = "PROXY_V1"
)

// TCPHealthCheck opens a connection and, if asked to, exchanges some bytes.
//
// +kubebuilder:validation:XValidation:message="for portSpecification being USE_FIXED_PORT, port must be set and portName must be unset",rule="has(self.portSpecification) && self.portSpecification == 'USE_FIXED_PORT' ? has(self.port) && !has(self.portName) : true"
// +kubebuilder:validation:XValidation:message="for portSpecification being USE_NAMED_PORT, port must be unset and portName must be set",rule="has(self.portSpecification) && self.portSpecification == 'USE_NAMED_PORT' ? !has(self.port) && has(self.portName) : true"
// +kubebuilder:validation:XValidation:message="port and portName must be unset for portSpecification being USE_SERVING_PORT",rule="has(self.portSpecification) && self.portSpecification == 'USE_SERVING_PORT' ? !has(self.port) && !has(self.portName) : true"
type TCPHealthCheck struct {
	ProbePort `json:",inline"`

	// Request is sent once the connection stands.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[\x00-\xFF]+$`
	Request *string `json:"request,omitempty"`
	// Response is what the answer must start with; any answer will do if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[\x00-\xFF]+$`
	Response *string `json:"response,omitempty"`
	// ProxyHeader is sent before anything else; NONE if unset.
	//
	// +optional
	ProxyHeader *ProxyHeader `json:"proxyHeader,omitempty"`
}

// HTTPHealthCheck asks for a path over HTTP/1.1, HTTPS or HTTP/2.
//
// +kubebuilder:validation:XValidation:message="for portSpecification being USE_FIXED_PORT, port must be set and portName must be unset",rule="has(self.portSpecification) && self.portSpecification == 'USE_FIXED_PORT' ? has(self.port) && !has(self.portName) : true"
// +kubebuilder:validation:XValidation:message="for portSpecification being USE_NAMED_PORT, port must be unset and portName must be set",rule="has(self.portSpecification) && self.portSpecification == 'USE_NAMED_PORT' ? !has(self.port) && has(self.portName) : true"
// +kubebuilder:validation:XValidation:message="port and portName must be unset for portSpecification being USE_SERVING_PORT",rule="has(self.portSpecification) && self.portSpecification == 'USE_SERVING_PORT' ? !has(self.port) && !has(self.portName) : true"
type HTTPHealthCheck struct {
	ProbePort `json:",inline"`

	// Host is the Host header; the load balancer's address if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Host *string `json:"host,omitempty"`
	// RequestPath is the path asked for; "/" if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^\/[A-Za-z0-9\/\-._~%!?$&'()*+,;=:]*$`
	RequestPath *string `json:"requestPath,omitempty"`
	// Response must appear in the first 1024 bytes of the body; the status alone decides if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[\x00-\xFF]+$`
	Response *string `json:"response,omitempty"`
	// ProxyHeader is sent before anything else; NONE if unset.
	//
	// +optional
	ProxyHeader *ProxyHeader `json:"proxyHeader,omitempty"`
}

// GRPCHealthCheck asks grpc.health.v1.Health.
//
// +kubebuilder:validation:XValidation:message="for portSpecification being USE_FIXED_PORT, port must be set and portName must be unset",rule="has(self.portSpecification) && self.portSpecification == 'USE_FIXED_PORT' ? has(self.port) && !has(self.portName) : true"
// +kubebuilder:validation:XValidation:message="for portSpecification being USE_NAMED_PORT, port must be unset and portName must be set",rule="has(self.portSpecification) && self.portSpecification == 'USE_NAMED_PORT' ? !has(self.port) && has(self.portName) : true"
// +kubebuilder:validation:XValidation:message="port and portName must be unset for portSpecification being USE_SERVING_PORT",rule="has(self.portSpecification) && self.portSpecification == 'USE_SERVING_PORT' ? !has(self.port) && !has(self.portName) : true"
type GRPCHealthCheck struct {
	ProbePort `json:",inline"`

	// GRPCServiceName is the service whose health is asked for; the server as a whole if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[\x00-\xFF]+$`
	GRPCServiceName *string `json:"grpcServiceName,omitempty"`
}

// ProbePort chooses the port that is probed. Without portSpecification a port alone is a fixed port, and nothing at
// all is the serving port, as on GKE's clusters.
type ProbePort struct {
	// PortSpecification says which of port and portName counts.
	//
	// +optional
	PortSpecification *PortSpecification `json:"portSpecification,omitempty"`
	// Port is the fixed port. It beats portName where both are set.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int64 `json:"port,omitempty"`
	// PortName is the named port.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	PortName *string `json:"portName,omitempty"`
}
