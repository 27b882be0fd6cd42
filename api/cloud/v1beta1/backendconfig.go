// Package v1beta1 is the older version of BackendConfig, which has the same fields as package v1: the CRD is generated with
// both, and manifests of either are decoded as v1.
//
// +kubebuilder:object:generate=true
// +groupName=cloud.google.com
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
)

// BackendConfig is that of version v1.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=bc
type BackendConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec cloudv1.BackendConfigSpec `json:"spec,omitempty"`
	// +optional
	Status cloudv1.BackendConfigStatus `json:"status,omitempty"`
}
