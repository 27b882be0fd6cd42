package schema

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	ingressv1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	networkingv1beta1 "github.com/spillway-lb/spillway/api/networking/v1beta1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests/builtin"
	"github.com/spillway-lb/spillway/internal/manifests/document"
	"github.com/spillway-lb/spillway/internal/store"
)

// Kind is one kind that Spillway reads.
type Kind struct {
	kind.Kind
	// Generations says whether the API counts changes of the kind's spec in metadata.generation.
	Generations bool

	status bool // a manifest may say the status
	name   apivalidation.ValidateNameFunc
	new    func() store.Object
}

func (k *Kind) accepts(version string) bool {
	return version == k.Version || slices.Contains(k.Older, version)
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

// New makes an empty object of an API version and kind, with both set; ok is false for one that Spillway does not know.
func New(apiVersion, name string) (o store.Object, ok bool) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, false
	}
	make := objectTypes()[kind.Join(name, gv.Group)]
	if make == nil {
		make = derivedTypes()[kind.Join(name, gv.Group)]
	}
	if make == nil {
		return nil, false
	}
	o = make()
	o.GetObjectKind().SetGroupVersionKind(gv.WithKind(name))
	return o, true
}

// finish gives an object its type, metadata and defaults.
func (k *Kind) finish(o store.Object, meta *metav1.ObjectMeta) {
	o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Name})
	setMeta(o, meta)
	if !k.Custom {
		builtin.Default(o)
	}
}

func (k *Kind) validate(o store.Object) field.ErrorList { return builtin.Validate(o) }

// kinds is every kind of the table that files may hold.
func kinds() []Kind {
	types, known := objectTypes(), nameRules()
	var all []Kind
	for _, row := range kind.All() {
		if row.Derived {
			continue
		}
		ref := row.Ref()
		k := Kind{Kind: row, name: known[ref], new: types[ref]}
		if k.name == nil {
			k.name = apivalidation.NameIsDNSSubdomain
		}
		k.Generations = row.Custom || ref == kind.Pod || row.Group != ""
		k.status = ref == kind.Pod || ref == kind.Node
		all = append(all, k)
	}
	return all
}

// nameRules are those of the kinds whose names are not DNS subdomains.
func nameRules() map[string]apivalidation.ValidateNameFunc {
	return map[string]apivalidation.ValidateNameFunc{
		kind.Namespace: apivalidation.NameIsDNSLabel,
		kind.Service:   apivalidation.NameIsDNS1035Label,
	}
}

// objectTypes are the Go types of the kinds.
func objectTypes() map[string]func() store.Object {
	return map[string]func() store.Object{
		kind.Namespace:      newObject[corev1.Namespace],
		kind.Service:        newObject[corev1.Service],
		kind.Pod:            newObject[corev1.Pod],
		kind.Node:           newObject[corev1.Node],
		kind.Secret:         newObject[corev1.Secret],
		kind.ConfigMap:      newObject[corev1.ConfigMap],
		kind.ServiceAccount: newObject[corev1.ServiceAccount],
		kind.Deployment:     newObject[appsv1.Deployment],
		kind.ReplicaSet:     newObject[appsv1.ReplicaSet],
		kind.StatefulSet:    newObject[appsv1.StatefulSet],
		kind.DaemonSet:      newObject[appsv1.DaemonSet],
		kind.EndpointSlice:  newObject[discoveryv1.EndpointSlice],

		kind.Ingress:        newObject[ingressv1.Ingress],
		kind.IngressClass:   newObject[ingressv1.IngressClass],
		kind.BackendConfig:  newObject[cloudv1.BackendConfig],
		kind.FrontendConfig: newObject[networkingv1beta1.FrontendConfig],

		kind.ManagedCertificate: newObject[networkingv1.ManagedCertificate],

		kind.GatewayClass:     newObject[gatewayv1.GatewayClass],
		kind.Gateway:          newObject[gatewayv1.Gateway],
		kind.HTTPRoute:        newObject[gatewayv1.HTTPRoute],
		kind.GRPCRoute:        newObject[gatewayv1.GRPCRoute],
		kind.ReferenceGrant:   newObject[gatewayv1.ReferenceGrant],
		kind.BackendTLSPolicy: newObject[gatewayv1.BackendTLSPolicy],
		kind.ListenerSet:      newObject[gatewayv1.ListenerSet],
		kind.TLSRoute:         newObject[gatewayv1.TLSRoute],
		kind.TCPRoute:         newObject[gatewayv1.TCPRoute],
		kind.UDPRoute:         newObject[gatewayv1.UDPRoute],

		kind.ServiceExport:    newObject[netv1.ServiceExport],
		kind.ServiceImport:    newObject[netv1.ServiceImport],
		kind.MCSServiceExport: newObject[mcsv1beta1.ServiceExport],
		kind.MCSServiceImport: newObject[mcsv1beta1.ServiceImport],

		kind.HealthCheckPolicy:            newObject[networkingv1.HealthCheckPolicy],
		kind.GCPBackendPolicy:             newObject[networkingv1.GCPBackendPolicy],
		kind.GCPGatewayPolicy:             newObject[networkingv1.GCPGatewayPolicy],
		kind.GCPTrafficDistributionPolicy: newObject[networkingv1.GCPTrafficDistributionPolicy],
		kind.GCPRoutingExtension:          newObject[networkingv1.GCPRoutingExtension],
		kind.GCPTrafficExtension:          newObject[networkingv1.GCPTrafficExtension],
		kind.GCPWasmPlugin:                newObject[networkingv1.GCPWasmPlugin],

		kind.Cluster:       newObject[spillwayv1alpha1.Cluster],
		kind.Configuration: newObject[spillwayv1alpha1.Configuration],
	}
}

// derivedTypes are the Go types of kinds that files do not hold.
func derivedTypes() map[string]func() store.Object {
	return map[string]func() store.Object{
		kind.Event:                       newObject[corev1.Event],
		kind.ServiceNetworkEndpointGroup: newObject[negv1beta1.ServiceNetworkEndpointGroup],
	}
}

// wholeGroups are the groups that are known in full, with the kinds that Spillway has no use for.
func wholeGroups() map[string][]string {
	return map[string][]string{
		"": {
			"Binding", "ComponentStatus", "Endpoints", "Event", "LimitRange", "PersistentVolume", "PersistentVolumeClaim",
			"PodTemplate", "ReplicationController", "ResourceQuota",
		},
		kind.GroupApps:         {"ControllerRevision"},
		kind.GroupDiscovery:    nil,
		kind.GroupNetworking:   {"NetworkPolicy", "ServiceCIDR", "IPAddress"},
		kind.GroupGateway:      nil,
		kind.GroupNetGKE:       {"ServiceImportConfig"},
		kind.GroupMultiCluster: {"ClusterProfile", "PlacementDecision"},
		kind.GroupSpillway:     nil,
	}
}

// newObject makes the empty object of a type.
func newObject[T any, P interface {
	*T
	store.Object
}]() store.Object {
	return P(new(T))
}
