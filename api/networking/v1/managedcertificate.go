package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ManagedCertificate asks for a certificate for some domains, which Ingresses name in the annotation
// networking.gke.io/managed-certificates.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:shortName=mcrt
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=.metadata.creationTimestamp
// +kubebuilder:printcolumn:name=Status,type=string,JSONPath=.status.certificateStatus,description="Status of the managed certificate"
type ManagedCertificate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec ManagedCertificateSpec `json:"spec,omitempty"`
	// +optional
	Status ManagedCertificateStatus `json:"status,omitempty"`
}

// ManagedCertificateList is a list of ManagedCertificates.
//
// +kubebuilder:object:root=true
type ManagedCertificateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ManagedCertificate `json:"items"`
}

// ManagedCertificateSpec has the domains.
type ManagedCertificateSpec struct {
	// Domains are those that the certificate is for, none of them with a wildcard.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^(([a-z0-9]+|[a-z0-9][-a-z0-9]*[a-z0-9])\.)+[a-z][-a-z0-9]*[a-z0-9]$`
	Domains []string `json:"domains,omitempty"`
}

// ManagedCertificateStatus tells how far the certificate is.
type ManagedCertificateStatus struct {
	// CertificateStatus is Active, or Provisioning.
	//
	// +optional
	CertificateStatus string `json:"certificateStatus,omitempty"`
	// DomainStatus has one entry for each domain.
	//
	// +optional
	DomainStatus []DomainStatus `json:"domainStatus,omitempty"`
	// CertificateName is the name of the load balancer's certificate, "" while there is none.
	//
	// +optional
	CertificateName string `json:"certificateName,omitempty"`
	// ExpireTime is the end of that certificate's validity.
	//
	// +optional
	// +kubebuilder:validation:Format=date-time
	ExpireTime string `json:"expireTime,omitempty"`
}

// DomainStatus tells how far the certificate is for a domain.
type DomainStatus struct {
	Domain string `json:"domain"`
	// Status is Active, Provisioning or FailedNotVisible.
	Status string `json:"status"`
}
