package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GCPBackendPolicy sets what a backend service has beyond the Gateway API.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
type GCPBackendPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec defines the desired state of GCPBackendPolicy.
	Spec GCPBackendPolicySpec `json:"spec"`
	// Status defines the current state of GCPBackendPolicy.
	Status GCPBackendPolicyStatus `json:"status,omitempty"`
}

// GCPBackendPolicyList is a list of GCPBackendPolicies.
//
// +kubebuilder:object:root=true
type GCPBackendPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GCPBackendPolicy `json:"items"`
}

// GCPBackendPolicySpec is a target and its settings. Clusters spell the imported pool's kind in two ways.
//
// +kubebuilder:validation:XValidation:message="Scopes can only be configured for ServiceImport and GCPInferencePoolImport targets",rule="self.targetRef.kind in ['ServiceImport', 'GCPInferencePoolImport', 'InferencePoolImport'] || !(has(self.default) && has(self.default.scopes))"
// +kubebuilder:validation:XValidation:message="sessionAffinity cannot be configured for InferencePool and GCPInferencePoolImport targets",rule="!(self.targetRef.kind in ['InferencePool', 'GCPInferencePoolImport', 'InferencePoolImport']) || !(has(self.default) && has(self.default.sessionAffinity))"
type GCPBackendPolicySpec struct {
	// TargetRef names the Service, ServiceImport, ServiceExport or inference pool.
	TargetRef PolicyTargetReference `json:"targetRef"`
	// Default holds the settings of the target.
	//
	// +optional
	Default *GCPBackendPolicyConfig `json:"default,omitempty"`
}

// GCPBackendPolicyConfig holds the settings of a backend service.
//
// +kubebuilder:validation:XValidation:message="capacityScalerPercent cannot be specified for both default and scopes fields",rule="!(has(self.scopes) && self.scopes.exists(s, has(s.capacityScalerPercent)) && has(self.capacityScalerPercent))"
// +kubebuilder:validation:XValidation:message="maxRatePerEndpoint cannot be specified for both default and scopes fields",rule="!(has(self.scopes) && self.scopes.exists(s, has(s.maxRatePerEndpoint)) && has(self.maxRatePerEndpoint))"
// +kubebuilder:validation:XValidation:message="balancingMode cannot be specified for both default and scopes fields",rule="!(has(self.scopes) && self.scopes.exists(s, has(s.balancingMode)) && has(self.balancingMode))"
// +kubebuilder:validation:XValidation:message="backendPreference cannot be specified for both default and scopes fields",rule="!(has(self.scopes) && self.scopes.exists(s, has(s.backendPreference)) && has(self.backendPreference))"
// +kubebuilder:validation:XValidation:message="customMetrics cannot be specified for both default and scopes fields",rule="!(has(self.scopes) && self.scopes.exists(s, has(s.customMetrics)) && has(self.customMetrics))"
// +kubebuilder:validation:XValidation:message="trafficDuration cannot be specified for both default and scopes fields",rule="!(has(self.scopes) && self.scopes.exists(s, has(s.trafficDuration)) && has(self.trafficDuration))"
// +kubebuilder:validation:XValidation:message="maxInFlightRequestsPerEndpoint cannot be specified for both default and scopes fields",rule="!(has(self.scopes) && self.scopes.exists(s, has(s.maxInFlightRequestsPerEndpoint)) && has(self.maxInFlightRequestsPerEndpoint))"
// +kubebuilder:validation:XValidation:message="balancingMode cannot be RATE or unset when trafficDuration is LONG",rule="!(has(self.trafficDuration) && self.trafficDuration == 'LONG' && (!has(self.balancingMode) || self.balancingMode == 'RATE'))"
// +kubebuilder:validation:XValidation:message="balancingMode cannot be IN_FLIGHT when trafficDuration is SHORT or unset",rule="!((!has(self.trafficDuration) || self.trafficDuration == 'SHORT') && has(self.balancingMode) && self.balancingMode == 'IN_FLIGHT')"
// +kubebuilder:validation:XValidation:message="maxInFlightRequestsPerEndpoint cannot be configured when balancingMode is RATE or unset",rule="!(has(self.maxInFlightRequestsPerEndpoint) && (!has(self.balancingMode) || self.balancingMode == 'RATE'))"
// +kubebuilder:validation:XValidation:message="maxRatePerEndpoint cannot be configured when balancingMode is IN_FLIGHT",rule="!(has(self.maxRatePerEndpoint) && has(self.balancingMode) && self.balancingMode == 'IN_FLIGHT')"
// +kubebuilder:validation:XValidation:message="trafficDuration cannot be LONG when maxRatePerEndpoint is configured",rule="!(has(self.maxRatePerEndpoint) && has(self.trafficDuration) && self.trafficDuration == 'LONG')"
// +kubebuilder:validation:XValidation:message="maxInFlightRequestsPerEndpoint cannot be configured when trafficDuration is SHORT or unset",rule="!(has(self.maxInFlightRequestsPerEndpoint) && (!has(self.trafficDuration) || self.trafficDuration == 'SHORT'))"
// +kubebuilder:validation:XValidation:message="considering the combined Default and Scopes configurations, balancingMode cannot be RATE or unset when trafficDuration is LONG",rule="!has(self.scopes) || self.scopes.all(s, !((has(s.trafficDuration) ? s.trafficDuration == 'LONG' : has(self.trafficDuration) && self.trafficDuration == 'LONG') && (has(s.balancingMode) ? s.balancingMode == 'RATE' : !has(self.balancingMode) || self.balancingMode == 'RATE')))"
// +kubebuilder:validation:XValidation:message="considering the combined Default and Scopes configurations, balancingMode cannot be IN_FLIGHT when trafficDuration is SHORT or unset",rule="!has(self.scopes) || self.scopes.all(s, !((has(s.trafficDuration) ? s.trafficDuration == 'SHORT' : !has(self.trafficDuration) || self.trafficDuration == 'SHORT') && (has(s.balancingMode) ? s.balancingMode == 'IN_FLIGHT' : has(self.balancingMode) && self.balancingMode == 'IN_FLIGHT')))"
// +kubebuilder:validation:XValidation:message="considering the combined Default and Scopes configurations, maxInFlightRequestsPerEndpoint cannot be configured when balancingMode is RATE or unset",rule="!has(self.scopes) || self.scopes.all(s, !((has(self.maxInFlightRequestsPerEndpoint) || has(s.maxInFlightRequestsPerEndpoint)) && (has(s.balancingMode) ? s.balancingMode == 'RATE' : !has(self.balancingMode) || self.balancingMode == 'RATE')))"
// +kubebuilder:validation:XValidation:message="considering the combined Default and Scopes configurations, maxRatePerEndpoint cannot be configured when balancingMode is IN_FLIGHT",rule="!has(self.scopes) || self.scopes.all(s, !((has(self.maxRatePerEndpoint) || has(s.maxRatePerEndpoint)) && (has(s.balancingMode) ? s.balancingMode == 'IN_FLIGHT' : has(self.balancingMode) && self.balancingMode == 'IN_FLIGHT')))"
// +kubebuilder:validation:XValidation:message="considering the combined Default and Scopes configurations, maxInFlightRequestsPerEndpoint cannot be configured when trafficDuration is SHORT or unset",rule="!has(self.scopes) || self.scopes.all(s, !((has(self.maxInFlightRequestsPerEndpoint) || has(s.maxInFlightRequestsPerEndpoint)) && (has(s.trafficDuration) ? s.trafficDuration == 'SHORT' : !has(self.trafficDuration) || self.trafficDuration == 'SHORT')))"
// +kubebuilder:validation:XValidation:message="considering the combined Default and Scopes configurations, trafficDuration cannot be LONG when maxRatePerEndpoint is configured",rule="!has(self.scopes) || self.scopes.all(s, !((has(self.maxRatePerEndpoint) || has(s.maxRatePerEndpoint)) && (has(s.trafficDuration) ? s.trafficDuration == 'LONG' : has(self.trafficDuration) && self.trafficDuration == 'LONG')))"
type GCPBackendPolicyConfig struct {
	BackendCapacity `json:",inline"`

	// TimeoutSec is the backend service timeout, in seconds; 30 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	TimeoutSec *int64 `json:"timeoutSec,omitempty"`
	// ConnectionDraining says how long a removed endpoint keeps its requests.
	//
	// +optional
	ConnectionDraining *ConnectionDraining `json:"connectionDraining,omitempty"`
	// Logging switches access logs.
	//
	// +optional
	Logging *LoggingConfig `json:"logging,omitempty"`
	// SecurityPolicy is the name of a Cloud Armor security policy.
	//
	// +optional
	SecurityPolicy *string `json:"securityPolicy,omitempty"`
	// SessionAffinity makes clients come back to the same endpoint.
	//
	// +optional
	SessionAffinity *SessionAffinityConfig `json:"sessionAffinity,omitempty"`
	// IAP switches Identity-Aware Proxy.
	//
	// +optional
	IAP *IdentityAwareProxyConfig `json:"iap,omitempty"`
	// CDN switches Cloud CDN.
	//
	// +optional
	CDN *CDNConfig `json:"cdn,omitempty"`
	// Scopes override capacity settings for some clusters, regions or zones; each setting comes from the first that matches
	// and has it.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=16
	Scopes []BackendScope `json:"scopes,omitempty"`
}

// ConnectionDraining sets the drain time.
type ConnectionDraining struct {
	// DrainingTimeoutSec is the drain time in seconds; 0 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	DrainingTimeoutSec *int64 `json:"drainingTimeoutSec,omitempty"`
}

// OptionalLoggingField is the name of an optional log field, such as tls.cipher.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z]([-_.a-z0-9]*[a-z0-9])?$`
type OptionalLoggingField string

// LoggingConfig switches access logs.
type LoggingConfig struct {
	// Enabled is false if unset.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// SampleRate is the share of requests that are logged, in millionths; all if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	SampleRate *int32 `json:"sampleRate,omitempty"`
	// OptionalMode says which optional fields are logged.
	//
	// +optional
	// +kubebuilder:validation:Enum=EXCLUDE_ALL_OPTIONAL;INCLUDE_ALL_OPTIONAL;CUSTOM
	OptionalMode *string `json:"optionalMode,omitempty"`
	// OptionalFields are logged with optionalMode CUSTOM.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=30
	OptionalFields []OptionalLoggingField `json:"optionalFields,omitempty"`
}

// SessionAffinityConfig sets session affinity.
type SessionAffinityConfig struct {
	// Type is NONE if unset.
	//
	// +optional
	// +kubebuilder:validation:Enum=CLIENT_IP;CLIENT_IP_PORT_PROTO;CLIENT_IP_PROTO;GENERATED_COOKIE;HEADER_FIELD;HTTP_COOKIE;NONE
	Type *string `json:"type,omitempty"`
	// CookieTTLSec is the lifetime of the cookie in seconds, at most two weeks; 0 means the browser session.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1209600
	CookieTTLSec *int64 `json:"cookieTtlSec,omitempty"`
}

// IdentityAwareProxyConfig switches Identity-Aware Proxy.
type IdentityAwareProxyConfig struct {
	// Enabled is false if unset.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// Oauth2ClientSecret holds the client secret of an own OAuth client.
	//
	// +optional
	Oauth2ClientSecret *Oauth2ClientSecret `json:"oauth2ClientSecret,omitempty"`
	// ClientID is the id of an own OAuth client.
	//
	// +optional
	ClientID *string `json:"clientID,omitempty"`
}

// Oauth2ClientSecret names a Secret.
type Oauth2ClientSecret struct {
	// Name is the name of the Secret.
	//
	// +optional
	Name *string `json:"name,omitempty"`
}

// CDNConfig switches Cloud CDN.
type CDNConfig struct {
	// Enabled is false if unset.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// CacheMode says which answers are cached.
	//
	// +optional
	// +kubebuilder:validation:Enum=CACHE_ALL_STATIC;USE_ORIGIN_HEADERS;FORCE_CACHE_ALL
	CacheMode *string `json:"cacheMode,omitempty"`
}

// GCPBackendPolicyStatus tells whether the policy is attached.
type GCPBackendPolicyStatus struct {
	// Conditions describe the current conditions of the policy.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Ancestors are the Gateways that the policy has an effect on, and its state for each.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=16
	Ancestors []gatewayv1.PolicyAncestorStatus `json:"ancestors,omitempty"`
}
