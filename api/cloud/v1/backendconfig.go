package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BackendConfig says how an Ingress' load balancer treats a Service. Services name it in their annotation
// cloud.google.com/backend-config.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:shortName=bc
type BackendConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec BackendConfigSpec `json:"spec,omitempty"`
	// +optional
	Status BackendConfigStatus `json:"status,omitempty"`
}

// BackendConfigList is a list of BackendConfigs.
//
// +kubebuilder:object:root=true
type BackendConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []BackendConfig `json:"items"`
}

// BackendConfigStatus has nothing in it.
type BackendConfigStatus struct{}

// BackendConfigSpec has the settings. One that is left out is the default.
type BackendConfigSpec struct {
	// Iap is Google's Identity-Aware Proxy.
	//
	// +optional
	Iap *IAPConfig `json:"iap,omitempty"`
	// Cdn is Google's cache in front of the backend service.
	//
	// +optional
	Cdn *CDNConfig `json:"cdn,omitempty"`
	// SecurityPolicy is a Google Cloud Armor policy.
	//
	// +optional
	SecurityPolicy *SecurityPolicyConfig `json:"securityPolicy,omitempty"`
	// TimeoutSec is how long an exchange with a backend may take, in seconds.
	//
	// +optional
	TimeoutSec *int64 `json:"timeoutSec,omitempty"`
	// +optional
	ConnectionDraining *ConnectionDrainingConfig `json:"connectionDraining,omitempty"`
	// +optional
	SessionAffinity *SessionAffinityConfig `json:"sessionAffinity,omitempty"`
	// +optional
	CustomRequestHeaders *CustomHeadersConfig `json:"customRequestHeaders,omitempty"`
	// +optional
	CustomResponseHeaders *CustomHeadersConfig `json:"customResponseHeaders,omitempty"`
	// +optional
	HealthCheck *HealthCheckConfig `json:"healthCheck,omitempty"`
	// +optional
	Logging *LogConfig `json:"logging,omitempty"`
}

// ConnectionDrainingConfig says what becomes of requests under way to an endpoint that goes.
type ConnectionDrainingConfig struct {
	// DrainingTimeoutSec is how long they may take, in seconds.
	//
	// +optional
	DrainingTimeoutSec int64 `json:"drainingTimeoutSec,omitempty"`
}

// SessionAffinityConfig keeps a client's requests at one endpoint.
type SessionAffinityConfig struct {
	// AffinityType is NONE, CLIENT_IP or GENERATED_COOKIE.
	//
	// +optional
	AffinityType string `json:"affinityType,omitempty"`
	// AffinityCookieTtlSec is how long the cookie lives, 0 to 86400 s.
	//
	// +optional
	AffinityCookieTtlSec *int64 `json:"affinityCookieTtlSec,omitempty"`
}

// CustomHeadersConfig are headers that are set.
type CustomHeadersConfig struct {
	// Headers are NAME:VALUE, where values may hold variables such as {client_region}.
	//
	// +optional
	Headers []string `json:"headers,omitempty"`
}

// HealthCheckConfig is the health check of the backend service. A field that is left out is the readiness probe's, or the
// default.
type HealthCheckConfig struct {
	// +optional
	CheckIntervalSec *int64 `json:"checkIntervalSec,omitempty"`
	// +optional
	TimeoutSec *int64 `json:"timeoutSec,omitempty"`
	// +optional
	HealthyThreshold *int64 `json:"healthyThreshold,omitempty"`
	// +optional
	UnhealthyThreshold *int64 `json:"unhealthyThreshold,omitempty"`
	// Type is HTTP, HTTPS or HTTP2.
	//
	// +optional
	Type *string `json:"type,omitempty"`
	// Port is the containers' port that is probed, instead of the serving one.
	//
	// +optional
	Port *int64 `json:"port,omitempty"`
	// +optional
	RequestPath *string `json:"requestPath,omitempty"`
}

// LogConfig is the logging of requests.
type LogConfig struct {
	// +optional
	Enable bool `json:"enable,omitempty"`
	// SampleRate is the share of requests that are logged, 0 to 1.
	//
	// +optional
	SampleRate *float64 `json:"sampleRate,omitempty"`
}

// SecurityPolicyConfig names a Google Cloud Armor policy.
type SecurityPolicyConfig struct {
	// Name is that of the policy; "" is none.
	Name string `json:"name"`
}

// IAPConfig is Google's Identity-Aware Proxy.
type IAPConfig struct {
	Enabled bool `json:"enabled"`
	// +optional
	OAuthClientCredentials *OAuthClientCredentials `json:"oauthclientCredentials,omitempty"`
}

// OAuthClientCredentials are those of the OAuth client.
type OAuthClientCredentials struct {
	// SecretName is a Secret with client_id and client_secret.
	SecretName string `json:"secretName"`
	// +optional
	ClientID string `json:"clientID,omitempty"`
	// +optional
	ClientSecret string `json:"clientSecret,omitempty"`
}
