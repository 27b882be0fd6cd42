package schema

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/manifests/builtin"
	"github.com/spillway-lb/spillway/internal/manifests/document"
	"github.com/spillway-lb/spillway/internal/store"
)

// Kind is one kind that Spillway reads.
type Kind struct {
	Group, Version, Kind, Plural string
	Namespaced                   bool
	// Generations says whether the API counts changes of the kind's spec in metadata.generation.
	Generations bool

	older  []string // further versions, with the same fields
	custom bool     // has a CRD
	status bool     // a manifest may say the status
	name   apivalidation.ValidateNameFunc
	new    func() store.Object
}

// RefKind is the kind as store.Ref names it.
func (k *Kind) RefKind() string {
	if k.Group == "" {
		return k.Kind
	}
	return k.Kind + "." + k.Group
}

func (k *Kind) apiVersion(version string) string {
	return schema.GroupVersion{Group: k.Group, Version: version}.String()
}

func (k *Kind) accepts(version string) bool {
	return version == k.Version || slices.Contains(k.older, version)
}

// dropStatus removes what a manifest has no say in. A status that says something is worth a warning.
func (k *Kind) dropStatus(value map[string]any) []document.Violation {
	status, has := value["status"]
	if !has || k.status {
		return nil
	}
	delete(value, "status")
	if says(status) {
		return []document.Violation{{
			Path: "status", Rule: document.RuleIgnored, Warning: true, AtKey: true, Message: "the status of this kind is not read from files; ignored",
		}}
	}
	return nil
}

// says is false for the empty maps and lists that tools write into manifests.
func says(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case map[string]any:
		for _, e := range v {
			if says(e) {
				return true
			}
		}
		return false
	case []any:
		return len(v) > 0
	default:
		return true
	}
}

// finish gives an object its type, metadata and defaults.
func (k *Kind) finish(o store.Object, meta *metav1.ObjectMeta) {
	o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind})
	setMeta(o, meta)
	if !k.custom {
		builtin.Default(o)
	}
}

func (k *Kind) validate(o store.Object) field.ErrorList { return builtin.Validate(o) }

// kinds is every kind that Spillway reads.
func kinds() []Kind {
	return slices.Concat(coreKinds(), gatewayKinds(), fleetKinds(), policyKinds(), ownKinds())
}

// wholeGroups are the groups that are known in full, with the kinds that Spillway has no use for.
func wholeGroups() map[string][]string {
	return map[string][]string{
		"": {
			"Binding", "ComponentStatus", "Endpoints", "Event", "LimitRange", "PersistentVolume", "PersistentVolumeClaim",
			"PodTemplate", "ReplicationController", "ResourceQuota",
		},
		"apps":                     {"ControllerRevision", "DaemonSet", "StatefulSet"},
		"discovery.k8s.io":         nil,
		gatewayv1.GroupName:        nil,
		netv1.GroupName:            {"ServiceImportConfig"},
		mcsv1beta1.GroupName:       {"ClusterProfile", "PlacementDecision"},
		spillwayv1alpha1.GroupName: nil,
	}
}

func coreKinds() []Kind {
	subdomain, label, label1035 := apivalidation.NameIsDNSSubdomain, apivalidation.NameIsDNSLabel, apivalidation.NameIsDNS1035Label
	return []Kind{
		{Version: "v1", Kind: "Namespace", Plural: "namespaces", name: label, new: newObject[corev1.Namespace]},
		{Version: "v1", Kind: "Service", Plural: "services", Namespaced: true, name: label1035, new: newObject[corev1.Service]},
		{Version: "v1", Kind: "Pod", Plural: "pods", Namespaced: true, Generations: true, status: true, name: subdomain, new: newObject[corev1.Pod]},
		{Version: "v1", Kind: "Node", Plural: "nodes", status: true, name: subdomain, new: newObject[corev1.Node]},
		{Version: "v1", Kind: "Secret", Plural: "secrets", Namespaced: true, name: subdomain, new: newObject[corev1.Secret]},
		{Version: "v1", Kind: "ConfigMap", Plural: "configmaps", Namespaced: true, name: subdomain, new: newObject[corev1.ConfigMap]},
		{Version: "v1", Kind: "ServiceAccount", Plural: "serviceaccounts", Namespaced: true, name: subdomain, new: newObject[corev1.ServiceAccount]},
		{
			Group: "apps", Version: "v1", Kind: "Deployment", Plural: "deployments", Namespaced: true, Generations: true,
			name: subdomain, new: newObject[appsv1.Deployment],
		},
		{
			Group: "apps", Version: "v1", Kind: "ReplicaSet", Plural: "replicasets", Namespaced: true, Generations: true,
			name: subdomain, new: newObject[appsv1.ReplicaSet],
		},
		{
			Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice", Plural: "endpointslices", Namespaced: true, Generations: true,
			name: subdomain, new: newObject[discoveryv1.EndpointSlice],
		},
	}
}

func gatewayKinds() []Kind {
	gateway := func(kind, plural string, older []string, new func() store.Object) Kind {
		return customKind(gatewayv1.GroupName, "v1", kind, plural, older, new)
	}
	class := gateway("GatewayClass", "gatewayclasses", []string{"v1beta1"}, newObject[gatewayv1.GatewayClass])
	class.Namespaced = false
	return []Kind{
		class,
		gateway("Gateway", "gateways", []string{"v1beta1"}, newObject[gatewayv1.Gateway]),
		gateway("HTTPRoute", "httproutes", []string{"v1beta1"}, newObject[gatewayv1.HTTPRoute]),
		gateway("GRPCRoute", "grpcroutes", nil, newObject[gatewayv1.GRPCRoute]),
		gateway("ReferenceGrant", "referencegrants", []string{"v1beta1"}, newObject[gatewayv1.ReferenceGrant]),
		gateway("BackendTLSPolicy", "backendtlspolicies", nil, newObject[gatewayv1.BackendTLSPolicy]),
		gateway("ListenerSet", "listenersets", nil, newObject[gatewayv1.ListenerSet]),
		gateway("TLSRoute", "tlsroutes", nil, newObject[gatewayv1.TLSRoute]),
		gateway("TCPRoute", "tcproutes", nil, newObject[gatewayv1.TCPRoute]),
		gateway("UDPRoute", "udproutes", nil, newObject[gatewayv1.UDPRoute]),
	}
}

func fleetKinds() []Kind {
	mcs := []string{"v1alpha1"}
	return []Kind{
		customKind(netv1.GroupName, "v1", "ServiceExport", "serviceexports", nil, newObject[netv1.ServiceExport]),
		customKind(netv1.GroupName, "v1", "ServiceImport", "serviceimports", nil, newObject[netv1.ServiceImport]),
		customKind(mcsv1beta1.GroupName, "v1beta1", "ServiceExport", "serviceexports", mcs, newObject[mcsv1beta1.ServiceExport]),
		customKind(mcsv1beta1.GroupName, "v1beta1", "ServiceImport", "serviceimports", mcs, newObject[mcsv1beta1.ServiceImport]),
	}
}

func policyKinds() []Kind {
	return []Kind{
		customKind(networkingv1.GroupName, "v1", "HealthCheckPolicy", "healthcheckpolicies", nil, newObject[networkingv1.HealthCheckPolicy]),
		customKind(networkingv1.GroupName, "v1", "GCPBackendPolicy", "gcpbackendpolicies", nil, newObject[networkingv1.GCPBackendPolicy]),
		customKind(networkingv1.GroupName, "v1", "GCPGatewayPolicy", "gcpgatewaypolicies", nil, newObject[networkingv1.GCPGatewayPolicy]),
		customKind(networkingv1.GroupName, "v1", "GCPTrafficDistributionPolicy", "gcptrafficdistributionpolicies", nil,
			newObject[networkingv1.GCPTrafficDistributionPolicy]),
	}
}

func ownKinds() []Kind {
	cluster := customKind(spillwayv1alpha1.GroupName, "v1alpha1", "Cluster", "clusters", nil, newObject[spillwayv1alpha1.Cluster])
	cluster.Namespaced = false
	configuration := customKind(spillwayv1alpha1.GroupName, "v1alpha1", "Configuration", "configurations", nil, newObject[spillwayv1alpha1.Configuration])
	configuration.Namespaced = false
	return []Kind{cluster, configuration}
}

func customKind(group, version, kind, plural string, older []string, new func() store.Object) Kind {
	return Kind{
		Group: group, Version: version, Kind: kind, Plural: plural, older: older, Namespaced: true, Generations: true,
		custom: true, name: apivalidation.NameIsDNSSubdomain, new: new,
	}
}

// newObject makes the empty object of a type.
func newObject[T any, P interface {
	*T
	store.Object
}]() store.Object {
	return P(new(T))
}
