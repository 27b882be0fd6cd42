package v1

// BalancingMode says what a backend's fullness is measured by.
//
// +kubebuilder:validation:Enum=RATE;UTILIZATION;CUSTOM_METRICS;IN_FLIGHT
type BalancingMode string

// The balancing modes.
const (
	BalancingModeRate          BalancingMode = "RATE"
	BalancingModeUtilization   BalancingMode = "UTILIZATION"
	BalancingModeCustomMetrics BalancingMode = "CUSTOM_METRICS"
	BalancingModeInFlight      BalancingMode = "IN_FLIGHT"
)

// BackendPreference says whether a backend is filled before others.
//
// +kubebuilder:validation:Enum=DEFAULT;PREFERRED
type BackendPreference string

// The backend preferences.
const (
	BackendPreferenceDefault   BackendPreference = "DEFAULT"
	BackendPreferencePreferred BackendPreference = "PREFERRED"
)

// TrafficDuration is how long requests are expected to take.
//
// +kubebuilder:validation:Enum=SHORT;LONG
type TrafficDuration string

// The traffic durations.
const (
	TrafficDurationShort TrafficDuration = "SHORT"
	TrafficDurationLong  TrafficDuration = "LONG"
)

// BackendCapacity holds what a backend can take. The same fields stand in a policy's default and in its scopes.
type BackendCapacity struct {
	// MaxRatePerEndpoint is the target capacity of an endpoint in requests a second; 100 million if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	MaxRatePerEndpoint *int64 `json:"maxRatePerEndpoint,omitempty"`
	// MaxInFlightRequestsPerEndpoint is the target capacity of an endpoint in concurrent requests; 100 million if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	MaxInFlightRequestsPerEndpoint *int64 `json:"maxInFlightRequestsPerEndpoint,omitempty"`
	// CapacityScalerPercent multiplies the capacity; 100 if unset, 0 means drained.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	CapacityScalerPercent *int64 `json:"capacityScalerPercent,omitempty"`
	// BackendPreference is DEFAULT if unset; PREFERRED backends are filled first.
	//
	// +optional
	BackendPreference *BackendPreference `json:"backendPreference,omitempty"`
	// BalancingMode is RATE if unset.
	//
	// +optional
	BalancingMode *BalancingMode `json:"balancingMode,omitempty"`
	// TrafficDuration is SHORT if unset.
	//
	// +optional
	TrafficDuration *TrafficDuration `json:"trafficDuration,omitempty"`
	// CustomMetrics are the load metrics that backends report, for CUSTOM_METRICS.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=2
	CustomMetrics []CustomMetric `json:"customMetrics,omitempty"`
}

// CustomMetric is one load metric that backends report.
type CustomMetric struct {
	// Name is the metric's name, such as gke.named_metrics.kv-cache.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-_.:a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// DryRun reports the metric without using it.
	DryRun bool `json:"dryRun"`
	// MaxUtilizationPercent is the target; 80 if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxUtilizationPercent *int32 `json:"maxUtilizationPercent,omitempty"`
}

// BackendScope is a set of backends and their capacity.
//
// +kubebuilder:validation:XValidation:message="balancingMode cannot be RATE when trafficDuration is LONG",rule="!(has(self.trafficDuration) && self.trafficDuration == 'LONG' && has(self.balancingMode) && self.balancingMode == 'RATE')"
// +kubebuilder:validation:XValidation:message="balancingMode cannot be IN_FLIGHT when trafficDuration is SHORT or default",rule="!(has(self.trafficDuration) && self.trafficDuration == 'SHORT' && has(self.balancingMode) && self.balancingMode == 'IN_FLIGHT')"
// +kubebuilder:validation:XValidation:message="maxInFlightRequestsPerEndpoint cannot be configured when balancingMode is RATE",rule="!(has(self.maxInFlightRequestsPerEndpoint) && has(self.balancingMode) && self.balancingMode == 'RATE')"
// +kubebuilder:validation:XValidation:message="maxRatePerEndpoint cannot be configured when balancingMode is IN_FLIGHT",rule="!(has(self.maxRatePerEndpoint) && has(self.balancingMode) && self.balancingMode == 'IN_FLIGHT')"
// +kubebuilder:validation:XValidation:message="maxInFlightRequestsPerEndpoint cannot be configured when trafficDuration is SHORT or default",rule="!(has(self.maxInFlightRequestsPerEndpoint) && has(self.trafficDuration) && self.trafficDuration == 'SHORT')"
// +kubebuilder:validation:XValidation:message="trafficDuration cannot be LONG when maxRatePerEndpoint is configured",rule="!(has(self.maxRatePerEndpoint) && has(self.trafficDuration) && self.trafficDuration == 'LONG')"
type BackendScope struct {
	BackendCapacity `json:",inline"`

	// Selector says which backends: labels gke.io/cluster-name, gke.io/region and gke.io/zone.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=4
	// +kubebuilder:validation:XValidation:message="selector keys must be one of gke.io/zone, gke.io/region or gke.io/cluster-name",rule="self.all(k, k in ['gke.io/zone', 'gke.io/region', 'gke.io/cluster-name'])"
	// +kubebuilder:validation:XValidation:message="The maximum length of the selector key or value should not exceed 63",rule="self.all(k, k.size() <= 63 && self[k].size() <= 63)"
	Selector map[string]string `json:"selector,omitempty"`
}
