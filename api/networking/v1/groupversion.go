// Package v1 holds what GKE users attach to Services, ServiceImports and Gateways, group networking.gke.io: the policies
// HealthCheckPolicy, GCPBackendPolicy, GCPGatewayPolicy and GCPTrafficDistributionPolicy, and the service extensions
// GCPRoutingExtension, GCPTrafficExtension and GCPWasmPlugin; and ManagedCertificate, which Ingresses name.
//
// In: manifests, decoded and validated by internal/manifests against the CRDs generated from these types
// (internal/crds). Out: typed objects for the policy translators. Fields, limits, rules and rule messages are those
// of the CRDs that GKE clusters carry; defaults are applied by the translators, as Google's load balancer applies
// them, not by the schema.
//
// +kubebuilder:object:generate=true
// +groupName=networking.gke.io
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of the policies.
const GroupName = "networking.gke.io"

// SchemeGroupVersion is the group and version of every type here.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1"}

// AddToScheme registers the types.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion,
		&HealthCheckPolicy{}, &HealthCheckPolicyList{},
		&GCPBackendPolicy{}, &GCPBackendPolicyList{},
		&GCPGatewayPolicy{}, &GCPGatewayPolicyList{},
		&GCPTrafficDistributionPolicy{}, &GCPTrafficDistributionPolicyList{},
		&GCPRoutingExtension{}, &GCPRoutingExtensionList{},
		&GCPTrafficExtension{}, &GCPTrafficExtensionList{},
		&GCPWasmPlugin{}, &GCPWasmPluginList{},
		&ManagedCertificate{}, &ManagedCertificateList{},
	)
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}
