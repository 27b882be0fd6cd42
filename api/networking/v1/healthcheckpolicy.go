package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// HealthCheckPolicy says how the endpoints of a Service or ServiceImport are probed.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
type HealthCheckPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec defines the desired state of HealthCheckPolicy.
	Spec HealthCheckPolicySpec `json:"spec"`
	// Status defines the current state of HealthCheckPolicy.
	Status HealthCheckPolicyStatus `json:"status,omitempty"`
}

// HealthCheckPolicyList is a list of HealthCheckPolicies.
//
// +kubebuilder:object:root=true
type HealthCheckPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []HealthCheckPolicy `json:"items"`
}

// HealthCheckPolicySpec is a target and its health check.
type HealthCheckPolicySpec struct {
	// TargetRef names the Service, ServiceImport or InferencePool whose endpoints are probed.
	TargetRef PolicyTargetReference `json:"targetRef"`
	// Default is the health check of the target.
	//
	// +optional
	Default *HealthCheckPolicyConfig `json:"default,omitempty"`
}

// HealthCheckPolicyConfig holds intervals, thresholds and the probe.
//
// +kubebuilder:validation:XValidation:message="timeOutSec cannot exceed checkIntervalSec",rule="has(self.checkIntervalSec) && has(self.timeoutSec) ? self.checkIntervalSec >= self.timeoutSec : true"
// +kubebuilder:validation:XValidation:message="when checkIntervalSec is unspecified, timeOutSec cannot exceed 5, which is the default value of checkIntervalSec",rule="!has(self.checkIntervalSec) && has(self.timeoutSec) ? 5 >= self.timeoutSec : true"
// +kubebuilder:validation:XValidation:message="when timeoutSec is unspecified, checkIntervalSec must be at least 5, which is the default value of timeoutSec",rule="has(self.checkIntervalSec) && !has(self.timeoutSec) ? self.checkIntervalSec >= 5 : true"
type HealthCheckPolicyConfig struct {
	// CheckIntervalSec is the time between probes of an endpoint, in seconds; 5 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=300
	CheckIntervalSec *int64 `json:"checkIntervalSec,omitempty"`
	// TimeoutSec is the time after which a probe has failed, in seconds; 5 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=300
	TimeoutSec *int64 `json:"timeoutSec,omitempty"`
	// HealthyThreshold is how many successes in a row make an unhealthy endpoint healthy; 2 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	HealthyThreshold *int64 `json:"healthyThreshold,omitempty"`
	// UnhealthyThreshold is how many failures in a row make a healthy endpoint unhealthy; 2 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	UnhealthyThreshold *int64 `json:"unhealthyThreshold,omitempty"`
	// LogConfig says whether changes of health are logged.
	//
	// +optional
	LogConfig *HealthCheckLogConfig `json:"logConfig,omitempty"`
	// Config is the probe; HTTP on the serving port if unset.
	//
	// +optional
	Config *HealthCheckConfig `json:"config,omitempty"`
}

// HealthCheckLogConfig switches health check logs.
type HealthCheckLogConfig struct {
	// Enabled says whether changes of health are logged; false if unset.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}

// HealthCheckType is the protocol of a probe.
//
// +kubebuilder:validation:Enum=TCP;HTTP;HTTPS;HTTP2;GRPC
type HealthCheckType string

// The protocols of probes.
const (
	HealthCheckTCP   HealthCheckType = "TCP"
	HealthCheckHTTP  HealthCheckType = "HTTP"
	HealthCheckHTTPS HealthCheckType = "HTTPS"
	HealthCheckHTTP2 HealthCheckType = "HTTP2"
	HealthCheckGRPC  HealthCheckType = "GRPC"
)

// HealthCheckConfig is a type and exactly the one settings block that belongs to it.
//
// +kubebuilder:validation:MinProperties=2
// +kubebuilder:validation:MaxProperties=2
// +kubebuilder:validation:XValidation:message="tcpHealthCheck must be specified for type TCP",rule="self.type == 'TCP' ? has(self.tcpHealthCheck) : true"
// +kubebuilder:validation:XValidation:message="httpHealthCheck must be specified for type HTTP",rule="self.type == 'HTTP' ? has(self.httpHealthCheck) : true"
// +kubebuilder:validation:XValidation:message="httpsHealthCheck must be specified for type HTTPS",rule="self.type == 'HTTPS' ? has(self.httpsHealthCheck) : true"
// +kubebuilder:validation:XValidation:message="http2HealthCheck must be specified for type HTTP2",rule="self.type == 'HTTP2' ? has(self.http2HealthCheck) : true"
// +kubebuilder:validation:XValidation:message="grpcHealthCheck must be specified for type GRPC",rule="self.type == 'GRPC' ? has(self.grpcHealthCheck) : true"
type HealthCheckConfig struct {
	// Type is the protocol; the block of the same name must be set, and no other.
	Type HealthCheckType `json:"type"`
	// TCP is set for type TCP.
	//
	// +optional
	TCP *TCPHealthCheck `json:"tcpHealthCheck,omitempty"`
	// HTTP is set for type HTTP.
	//
	// +optional
	HTTP *HTTPHealthCheck `json:"httpHealthCheck,omitempty"`
	// HTTPS is set for type HTTPS.
	//
	// +optional
	HTTPS *HTTPHealthCheck `json:"httpsHealthCheck,omitempty"`
	// HTTP2 is set for type HTTP2.
	//
	// +optional
	HTTP2 *HTTPHealthCheck `json:"http2HealthCheck,omitempty"`
	// GRPC is set for type GRPC.
	//
	// +optional
	GRPC *GRPCHealthCheck `json:"grpcHealthCheck,omitempty"`
}
