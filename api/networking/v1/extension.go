package v1

// ExtensionSpec is what a GCPRoutingExtension and a GCPTrafficExtension say alike: for which Gateways, and what runs.
type ExtensionSpec struct {
	// TargetRefs name the Gateways, of the extension's own namespace.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	TargetRefs []LocalPolicyTargetReference `json:"targetRefs"`
	// ExtensionChains are looked at in order: the first whose condition matches a request runs, and no other.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	ExtensionChains []ExtensionChain `json:"extensionChains"`
}

// ExtensionChain is a condition and the extensions that run where it matches.
type ExtensionChain struct {
	// Name is logged with requests: RFC 1034, up to 63 characters.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`
	Name string `json:"name"`
	// MatchCondition is every request if unset.
	//
	// +optional
	MatchCondition *MatchCondition `json:"matchCondition,omitempty"`
	// Extensions run in order, those of a GCPRoutingExtension one a chain.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Extensions []Extension `json:"extensions"`
}

// MatchCondition says for which requests a chain runs.
type MatchCondition struct {
	// CELExpressions are alternatives.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=10
	CELExpressions []CELExpression `json:"celExpressions,omitempty"`
}

// CELExpression matches where both of its parts do.
type CELExpression struct {
	// CELMatcher is an expression of the CEL matcher language, such as request.path.startsWith("/api/").
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	CELMatcher string `json:"celMatcher,omitempty"`
	// BackendRefs are Services that the request is on its way to, of a GCPTrafficExtension alone.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:XValidation:message="Only backendRefs of kind Service or ServiceImport are supported in CEL expression",rule="self.all(ref, ref.kind == 'Service' || ref.kind == 'ServiceImport')"
	BackendRefs []ExtensionServiceReference `json:"backendRefs,omitempty"`
}

// ExtensionServiceReference names what runs an extension, in the extension's own namespace.
//
// +kubebuilder:validation:XValidation:message="Group must be empty if kind is Service",rule="self.kind == 'Service' ? size(self.group) == 0 : true"
// +kubebuilder:validation:XValidation:message="Group must be set to `net.gke.io` if kind is ServiceImport",rule="self.kind == 'ServiceImport' ? self.group == 'net.gke.io' : true"
// +kubebuilder:validation:XValidation:message="Group must be set to `networking.gke.io` if kind is GCPWasmPlugin",rule="self.kind == 'GCPWasmPlugin' ? self.group == 'networking.gke.io' : true"
// +kubebuilder:validation:XValidation:message="Group must be set to `apim.googleapis.com` if kind is ApigeeBackendService",rule="self.kind == 'ApigeeBackendService' ? self.group == 'apim.googleapis.com' : true"
// +kubebuilder:validation:XValidation:message="Port has to be set if kind is Service",rule="self.kind == 'Service' ? has(self.port) : true"
// +kubebuilder:validation:XValidation:message="Port has to be set if kind is ServiceImport",rule="self.kind == 'ServiceImport' ? has(self.port) : true"
// +kubebuilder:validation:XValidation:message="Port has to be empty if kind is GCPWasmPlugin",rule="self.kind == 'GCPWasmPlugin' ? !has(self.port) : true"
type ExtensionServiceReference struct {
	// Group is "" for Services.
	//
	// +kubebuilder:default=""
	// +kubebuilder:validation:Enum="";net.gke.io;networking.gke.io;apim.googleapis.com
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Group string `json:"group"`
	// Kind is Service if unset.
	//
	// +kubebuilder:default=Service
	// +kubebuilder:validation:Enum=Service;ServiceImport;GCPWasmPlugin;ApigeeBackendService
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$`
	Kind string `json:"kind"`
	// Name is the name of the object.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Port is that of a Service or a ServiceImport.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
}

// EventType is a part of a request or of an answer that an extension is called for.
//
// +kubebuilder:validation:Enum=RequestHeaders;RequestBody;ResponseHeaders;ResponseBody;RequestTrailers;ResponseTrailers
type EventType string

// The events.
const (
	RequestHeaders   EventType = "RequestHeaders"
	RequestBody      EventType = "RequestBody"
	RequestTrailers  EventType = "RequestTrailers"
	ResponseHeaders  EventType = "ResponseHeaders"
	ResponseBody     EventType = "ResponseBody"
	ResponseTrailers EventType = "ResponseTrailers"
)

// BodySendMode is how an extension gets a body.
//
// +kubebuilder:validation:Enum=Streamed;FullDuplexStreamed
type BodySendMode string

// The modes.
const (
	Streamed           BodySendMode = "Streamed"
	FullDuplexStreamed BodySendMode = "FullDuplexStreamed"
)

// HTTPHeaderName is the name of a header field.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$`
type HTTPHeaderName string

// MetadataValue is a value of an extension's metadata.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=1023
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9\/\-._~%!$&'()*+,;=:"\s\[\]\{\}])*$`
type MetadataValue string

// Extension is one extension of a chain.
//
// +kubebuilder:validation:XValidation:message="timeout must be between 10-10000 milliseconds",rule="has(self.timeout) ? duration(self.timeout) >= duration('10ms') && duration(self.timeout) <= duration('10000ms') : true"
// +kubebuilder:validation:XValidation:message="Extensions with backendRef kind GCPWasmPlugin do not support timeout",rule="has(self.backendRef) && self.backendRef.kind == 'GCPWasmPlugin' ? !has(self.timeout) : true"
// +kubebuilder:validation:XValidation:message="authority must be set if backendRef kind is set to Service or ServiceImport",rule="has(self.backendRef) && (self.backendRef.kind == 'Service' || self.backendRef.kind == 'ServiceImport') ? has(self.authority) && size(self.authority) != 0 : true"
// +kubebuilder:validation:XValidation:message="authority must not be set if the backendRef kind is ApigeeBackendService",rule="has(self.backendRef) && self.backendRef.kind == 'ApigeeBackendService' ? !has(self.authority) : true"
// +kubebuilder:validation:XValidation:message="Extension with googleAPIServiceName do not support authority",rule="has(self.googleAPIServiceName) ? !has(self.authority) : true"
// +kubebuilder:validation:XValidation:message="Extensions with backendRef kind GCPWasmPlugin do not support authority",rule="has(self.backendRef) && self.backendRef.kind == 'GCPWasmPlugin' ? !has(self.authority) : true"
// +kubebuilder:validation:XValidation:message="Exactly one of backendRef or googleAPIServiceName should be set",rule="!(has(self.backendRef) && has(self.googleAPIServiceName)) && (has(self.backendRef) || has(self.googleAPIServiceName))"
// +kubebuilder:validation:XValidation:message="Extensions with backendRef kind GCPWasmPlugin support only RequestHeaders, RequestBody, ResponseHeaders and ResponseBody events",rule="has(self.supportedEvents) && has(self.backendRef) && self.backendRef.kind == 'GCPWasmPlugin' ? self.supportedEvents.all(e, e in ['RequestHeaders', 'RequestBody', 'ResponseHeaders', 'ResponseBody']) : true"
// +kubebuilder:validation:XValidation:message="Extension with backendRef kind GCPWasmPlugin do not support metadata",rule="has(self.backendRef) && self.backendRef.kind == 'GCPWasmPlugin' ? !has(self.metadata) : true"
// +kubebuilder:validation:XValidation:message="requestBodySendMode can be configured only for extensions using backendRef with kind Service, ApigeeBackendService or ServiceImport",rule="has(self.requestBodySendMode) ? has(self.backendRef) && (self.backendRef.kind == 'Service' || self.backendRef.kind == 'ApigeeBackendService' || self.backendRef.kind == 'ServiceImport') : true"
// +kubebuilder:validation:XValidation:message="responseBodySendMode can be configured only for extensions using backendRef with kind Service, ApigeeBackendService or ServiceImport",rule="has(self.responseBodySendMode) ? has(self.backendRef) && (self.backendRef.kind == 'Service' || self.backendRef.kind == 'ApigeeBackendService' || self.backendRef.kind == 'ServiceImport') : true"
// +kubebuilder:validation:XValidation:message="If requestBodySendMode is set to `Streamed`, then the `supportedEvents` list must contain `RequestBody` event",rule="has(self.requestBodySendMode) && self.requestBodySendMode == 'Streamed' ? has(self.supportedEvents) && self.supportedEvents.exists(e, e == 'RequestBody') : true"
// +kubebuilder:validation:XValidation:message="If responseBodySendMode is set to `Streamed`, then the `supportedEvents` list must contain `ResponseBody` event",rule="has(self.responseBodySendMode) && self.responseBodySendMode == 'Streamed' ? has(self.supportedEvents) && self.supportedEvents.exists(e, e == 'ResponseBody') : true"
// +kubebuilder:validation:XValidation:message="If requestBodySendMode is set to `FullDuplexStreamed`, then the `supportedEvents` list must contain at least both: `RequestBody` and `RequestTrailers“ events",rule="has(self.requestBodySendMode) && self.requestBodySendMode == 'FullDuplexStreamed' ? has(self.supportedEvents) && self.supportedEvents.exists(e, e == 'RequestBody') && self.supportedEvents.exists(e, e == 'RequestTrailers') : true"
// +kubebuilder:validation:XValidation:message="If responseBodySendMode is set to `FullDuplexStreamed`, then the `supportedEvents` list must contain at least both: `ResponseBody` and `ResponseTrailers“ events",rule="has(self.responseBodySendMode) && self.responseBodySendMode == 'FullDuplexStreamed' ? has(self.supportedEvents) && self.supportedEvents.exists(e, e == 'ResponseBody') && self.supportedEvents.exists(e, e == 'ResponseTrailers') : true"
// +kubebuilder:validation:XValidation:message="If observabilityMode is set to `TRUE`, then the `responseBodySendMode` and `requestBodySendMode` must be not set or set to `Streamed`",rule="has(self.observabilityMode) && self.observabilityMode ? (!has(self.responseBodySendMode) || self.responseBodySendMode == 'Streamed') && (!has(self.requestBodySendMode) || self.requestBodySendMode == 'Streamed') : true"
type Extension struct {
	// Name is logged with requests: RFC 1034, up to 63 characters.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`
	Name string `json:"name"`
	// BackendRef names a callout or, in a GCPTrafficExtension, a GCPWasmPlugin.
	//
	// +optional
	BackendRef *ExtensionServiceReference `json:"backendRef,omitempty"`
	// GoogleAPIServiceName is the host of a Google API that runs the extension, of a GCPTrafficExtension alone.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[a-z0-9.-]+\.(googleapis|sandbox\.googleapis)\.com$`
	GoogleAPIServiceName *string `json:"googleAPIServiceName,omitempty"`
	// Authority is :authority of the calls.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1000
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9-_:%\.\[\]]*$`
	Authority *string `json:"authority,omitempty"`
	// SupportedEvents are what the extension is called for. GKE's newest CRD requires them of a GCPTrafficExtension; without
	// them RequestHeaders and ResponseHeaders are meant, of a GCPRoutingExtension RequestHeaders.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=6
	SupportedEvents []EventType `json:"supportedEvents,omitempty"`
	// Timeout is for each message and its answer: 10 ms to 10 s, 1 s if unset.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	Timeout *string `json:"timeout,omitempty"`
	// FailOpen lets requests go on without an extension that fails. Else they fail.
	//
	// +optional
	FailOpen *bool `json:"failOpen,omitempty"`
	// ForwardHeaders are the header fields that a callout gets; all if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=50
	ForwardHeaders []HTTPHeaderName `json:"forwardHeaders,omitempty"`
	// ForwardAttributes are the attributes that a callout gets, such as source.ip. GKE's CRD doesn't have them.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=256
	ForwardAttributes []string `json:"forwardAttributes,omitempty"`
	// Metadata is sent along to callouts. {forwarding_rule_id} in a value is the forwarding rule's name.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:message="Metadata keys must only contain valid characters (matching ^([A-Za-z0-9\\/\\-._~%!$&'()*+,;=:\\s\\[\\]\\{\\}]{1,63})$) and must be up to 63 characters long.",rule="self.all(key, key.matches(r\"\"\"^([A-Za-z0-9\\/\\-._~%!$&'()*+,;=:\\s\\{\\}\\[\\]]{1,63})$\"\"\"))"
	Metadata map[string]MetadataValue `json:"metadata,omitempty"`
	// RequestBodySendMode is Streamed if unset.
	//
	// +optional
	RequestBodySendMode *BodySendMode `json:"requestBodySendMode,omitempty"`
	// ResponseBodySendMode is Streamed if unset; of a GCPTrafficExtension alone.
	//
	// +optional
	ResponseBodySendMode *BodySendMode `json:"responseBodySendMode,omitempty"`
	// ObservabilityMode makes calls whose answers count for nothing; with regional classes.
	//
	// +optional
	ObservabilityMode *bool `json:"observabilityMode,omitempty"`
}
