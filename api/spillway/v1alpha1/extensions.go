package v1alpha1

// ExtensionSettings are settings of service extensions beyond what GKE has.
type ExtensionSettings struct {
	// Merge attaches every extension that names a Gateway: the oldest one's chains come first, and of those of equal age the
	// first by name. Without it the oldest alone is attached, as on GKE, and the others are Conflicted.
	//
	// +optional
	Merge bool `json:"merge,omitempty"`
	// WasmEverywhere lets GCPTrafficExtensions of Gateways of all classes name GCPWasmPlugins, not of
	// gke-l7-global-external-managed alone.
	//
	// +optional
	WasmEverywhere bool `json:"wasmEverywhere,omitempty"`
}

// GoogleAPI is what is called for a Google API that extensions name: something that speaks ext_proc.
type GoogleAPI struct {
	// Host is the name of the API, such as modelarmor.us-central1.rep.googleapis.com.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[a-z0-9.-]+\.(googleapis|sandbox\.googleapis)\.com$`
	Host string `json:"host"`
	// Address is its IP address and port.
	//
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^(\[[0-9a-fA-F:.]+\]|[0-9]{1,3}(\.[0-9]{1,3}){3}):[0-9]{1,5}$`
	Address string `json:"address"`
	// TLS is used if set; else HTTP/2 without TLS is spoken.
	//
	// +optional
	TLS *GoogleAPITLS `json:"tls,omitempty"`
	// Token is sent along with calls, which needs TLS. Space around it is none of it.
	//
	// +optional
	Token *SecretKey `json:"token,omitempty"`
}

// GoogleAPITLS says how the certificate of a Google API is verified.
type GoogleAPITLS struct {
	// CACertificates are the authorities in PEM; the system's if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	CACertificates string `json:"caCertificates,omitempty"`
	// Hostname is what the certificate has to be for; the API's host if unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Hostname string `json:"hostname,omitempty"`
}

// SecretKey is an entry of a Secret.
type SecretKey struct {
	// Cluster is where the Secret is.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Cluster string `json:"cluster"`
	// Namespace is the Secret's.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`
	// Name is the Secret's.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key is that of the entry.
	//
	// +optional
	// +kubebuilder:default=token
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}
