package v1alpha1

// Duration is a time as the Gateway API writes it, such as 90s or 1m30s.
//
// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
type Duration string

// ObjectSelector selects by name. What is not set selects everything.
//
// +kubebuilder:validation:XValidation:message="a name needs a namespace",rule="!has(self.name) || has(self.namespace)"
type ObjectSelector struct {
	// Cluster is the member that the object is in; the config cluster for what belongs to multi-cluster Gateways.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Cluster string `json:"cluster,omitempty"`
	// Namespace is the object's.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// Name is the object's.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// Selects tells whether an object is selected.
func (s *ObjectSelector) Selects(cluster, namespace, name string) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return s == nil || is(s.Cluster, cluster) && is(s.Namespace, namespace) && is(s.Name, name)
}

// FrontendSettings are what the proxies that serve Gateways keep to beyond what Google's policies can say. Of the entries
// that select a Gateway, the first that has a setting counts for it; one without gateway and gatewayClassName selects all.
//
// +kubebuilder:validation:XValidation:message="an entry needs a setting: alpn, trustedHops, limits, requestPolicy or geoDatabase",rule="has(self.alpn) || has(self.trustedHops) || has(self.limits) || has(self.requestPolicy) || has(self.geoDatabase)"
type FrontendSettings struct {
	// Gateway selects Gateways by name.
	//
	// +optional
	Gateway *ObjectSelector `json:"gateway,omitempty"`
	// GatewayClassName selects Gateways by class.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	GatewayClassName string `json:"gatewayClassName,omitempty"`
	// ALPN are the protocols that TLS offers, in order of preference; h2, http/1.1 and http/1.0 if unset.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:validation:items:Enum=h2;http/1.1;http/1.0
	ALPN []string `json:"alpn,omitempty"`
	// TrustedHops is how many entries of X-Forwarded-For, counted from the right, were written by proxies that are trusted:
	// the client's address is the one before them. Unset and 0 trust none.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=16
	TrustedHops *int32 `json:"trustedHops,omitempty"`
	// Limits bound what clients may send and how long they may take.
	//
	// +optional
	Limits *HTTPLimits `json:"limits,omitempty"`
	// RequestPolicy is what becomes of requests that a backend may read otherwise than the proxy.
	//
	// +optional
	RequestPolicy *RequestPolicy `json:"requestPolicy,omitempty"`
	// GeoDatabase is a file in MaxMind's format (.mmdb) on the host of each data plane, which fills in {client_region},
	// {client_region_subdivision}, {client_city} and {client_city_lat_long} in header values; they are empty if unset.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^/`
	// +kubebuilder:validation:MaxLength=1024
	GeoDatabase string `json:"geoDatabase,omitempty"`
}

// HTTPLimits bound clients. What is unset keeps the proxy's default.
type HTTPLimits struct {
	// IdleTimeout ends a connection without requests; 610s if unset.
	//
	// +optional
	IdleTimeout Duration `json:"idleTimeout,omitempty"`
	// HeaderTimeout bounds the time that the head of a request may take; 60s if unset.
	//
	// +optional
	HeaderTimeout Duration `json:"headerTimeout,omitempty"`
	// StreamIdleTimeout ends an exchange on which nothing moves; 5m if unset.
	//
	// +optional
	StreamIdleTimeout Duration `json:"streamIdleTimeout,omitempty"`
	// RequestTimeout bounds a whole exchange, also one that was upgraded, whatever routes say; none if unset.
	//
	// +optional
	RequestTimeout Duration `json:"requestTimeout,omitempty"`
	// MaxHeaderBytes bounds the head of a request.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=130048
	MaxHeaderBytes int32 `json:"maxHeaderBytes,omitempty"`
	// MaxHeaderCount bounds the fields of a head.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	MaxHeaderCount int32 `json:"maxHeaderCount,omitempty"`
	// MaxURIBytes bounds the target of a request.
	//
	// +optional
	// +kubebuilder:validation:Minimum=64
	// +kubebuilder:validation:Maximum=130048
	MaxURIBytes int32 `json:"maxUriBytes,omitempty"`
	// MaxBodyBytes bounds the body of a request; no bound if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxBodyBytes int64 `json:"maxBodyBytes,omitempty"`
	// MaxConnections bounds the clients' connections to one address and port; further ones wait to be accepted.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxConnections int32 `json:"maxConnections,omitempty"`
}

// RequestPolicy says what is done about each odd way to write a request. What is unset is safe.
type RequestPolicy struct {
	// RepeatedSlashes is "//"; LIBERAL if unset.
	//
	// +optional
	RepeatedSlashes PathReading `json:"repeatedSlashes,omitempty"`
	// Backslashes is "\"; LIBERAL if unset.
	//
	// +optional
	Backslashes PathReading `json:"backslashes,omitempty"`
	// EncodedUnreserved is "%61"; LIBERAL if unset.
	//
	// +optional
	EncodedUnreserved PathReading `json:"encodedUnreserved,omitempty"`
	// EncodedSlashes is "%2F" and "%5C"; LITERAL if unset.
	//
	// +optional
	EncodedSlashes PathReading `json:"encodedSlashes,omitempty"`
	// DotSegmentParameters is "/..;x/"; LIBERAL if unset.
	//
	// +optional
	DotSegmentParameters PathReading `json:"dotSegmentParameters,omitempty"`
	// Underscores is "_" in names of fields; DROP_LOOKALIKES if unset, which takes out those that look like a field that the
	// proxy writes or trusts.
	//
	// +optional
	// +kubebuilder:validation:Enum=DROP_LOOKALIKES;KEEP_ALL;DROP_ALL;REJECT_ALL
	Underscores string `json:"underscores,omitempty"`
}

// PathReading is what is done about a way to write a path. LITERAL: rules see it as it is written. LIBERAL: rules see what
// the most liberal backend would read, backends get it as it is written. NORMALIZE: both get that reading. REJECT: 400.
//
// +kubebuilder:validation:Enum=LITERAL;LIBERAL;NORMALIZE;REJECT
type PathReading string

// BackendSettings are what the proxies keep to towards backends beyond what Google's policies can say. Of the entries that
// select a Service, the first that has a setting counts for it; one without service selects all.
//
// +kubebuilder:validation:XValidation:message="an entry needs a setting: limits or outlierDetection",rule="has(self.limits) || has(self.outlierDetection)"
type BackendSettings struct {
	// Service selects Services, and the ServiceImports of their names.
	//
	// +optional
	Service *ObjectSelector `json:"service,omitempty"`
	// Limits bound what one proxy has under way with the backend service.
	//
	// +optional
	Limits *CircuitLimits `json:"limits,omitempty"`
	// OutlierDetection takes endpoints out that answer with errors. Without it only connections that cannot be made count.
	//
	// +optional
	OutlierDetection *OutlierDetection `json:"outlierDetection,omitempty"`
}

// CircuitLimits bound each proxy for itself; a request beyond one gets a 503. What is unset has no bound.
type CircuitLimits struct {
	// MaxConnections bounds connections to endpoints.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxConnections int32 `json:"maxConnections,omitempty"`
	// MaxRequests bounds requests under way.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxRequests int32 `json:"maxRequests,omitempty"`
	// MaxRetries bounds retries under way; a fifth of the requests, and at least 3, if unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxRetries int32 `json:"maxRetries,omitempty"`
}

// OutlierDetection is by consecutive failures. The last usable endpoint is never taken out.
type OutlierDetection struct {
	// ConsecutiveErrors is how many 5xx answers or broken connections in a row take an endpoint out.
	//
	// +optional
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	ConsecutiveErrors int32 `json:"consecutiveErrors,omitempty"`
	// BaseEjectionTime is for how long; it grows with every time in a row, to 5 minutes at most.
	//
	// +optional
	// +kubebuilder:default="30s"
	BaseEjectionTime Duration `json:"baseEjectionTime,omitempty"`
	// MaxEjectionPercent is how many of the endpoints may be out at once.
	//
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxEjectionPercent int32 `json:"maxEjectionPercent,omitempty"`
}
