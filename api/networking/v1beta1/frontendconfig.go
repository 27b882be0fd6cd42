package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// FrontendConfig says how an Ingress' load balancer treats clients.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
type FrontendConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec FrontendConfigSpec `json:"spec,omitempty"`
	// +optional
	Status FrontendConfigStatus `json:"status,omitempty"`
}

// FrontendConfigList is a list of FrontendConfigs.
//
// +kubebuilder:object:root=true
type FrontendConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []FrontendConfig `json:"items"`
}

// FrontendConfigSpec has the settings.
type FrontendConfigSpec struct {
	// SslPolicy is the name of the SSL policy of HTTPS; "" is none.
	//
	// +optional
	SslPolicy *string `json:"sslPolicy,omitempty"`
	// RedirectToHttps answers requests without TLS with a redirect.
	//
	// +optional
	RedirectToHttps *HttpsRedirectConfig `json:"redirectToHttps,omitempty"`
}

// HttpsRedirectConfig is the redirect.
type HttpsRedirectConfig struct {
	// +optional
	Enabled bool `json:"enabled"`
	// ResponseCodeName is MOVED_PERMANENTLY_DEFAULT (301, also if it is empty), FOUND (302), TEMPORARY_REDIRECT (307) or
	// PERMANENT_REDIRECT (308).
	//
	// +optional
	ResponseCodeName string `json:"responseCodeName,omitempty"`
}

// FrontendConfigStatus has nothing in it.
type FrontendConfigStatus struct{}
