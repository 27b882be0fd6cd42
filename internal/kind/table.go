package kind

// The API groups.
const (
	GroupApps         = "apps"
	GroupDiscovery    = "discovery.k8s.io"
	GroupGateway      = "gateway.networking.k8s.io"
	GroupNetworking   = "networking.k8s.io"
	GroupCloud        = "cloud.google.com"
	GroupGKE          = "networking.gke.io"
	GroupNetGKE       = "net.gke.io"
	GroupMultiCluster = "multicluster.x-k8s.io"
	GroupSpillway     = "spillway.dev"
)

// What GatewayClasses name that Spillway serves.
const (
	// GatewayController is Spillway's own name, of the class spillway.
	GatewayController = "spillway.dev/gateway"
	// GKEController is the name that GKE's classes have.
	GKEController = "networking.gke.io/gateway"
)

// The kinds, as store.Ref names them.
const (
	ConfigMap      = "ConfigMap"
	Endpoints      = "Endpoints"
	Event          = "Event"
	Namespace      = "Namespace"
	Node           = "Node"
	Pod            = "Pod"
	Secret         = "Secret"
	Service        = "Service"
	ServiceAccount = "ServiceAccount"

	DaemonSet     = "DaemonSet." + GroupApps
	Deployment    = "Deployment." + GroupApps
	ReplicaSet    = "ReplicaSet." + GroupApps
	StatefulSet   = "StatefulSet." + GroupApps
	EndpointSlice = "EndpointSlice." + GroupDiscovery

	Ingress        = "Ingress." + GroupNetworking
	IngressClass   = "IngressClass." + GroupNetworking
	BackendConfig  = "BackendConfig." + GroupCloud
	FrontendConfig = "FrontendConfig." + GroupGKE

	ManagedCertificate = "ManagedCertificate." + GroupGKE

	BackendTLSPolicy = "BackendTLSPolicy." + GroupGateway
	Gateway          = "Gateway." + GroupGateway
	GatewayClass     = "GatewayClass." + GroupGateway
	GRPCRoute        = "GRPCRoute." + GroupGateway
	HTTPRoute        = "HTTPRoute." + GroupGateway
	ListenerSet      = "ListenerSet." + GroupGateway
	ReferenceGrant   = "ReferenceGrant." + GroupGateway
	TCPRoute         = "TCPRoute." + GroupGateway
	TLSRoute         = "TLSRoute." + GroupGateway
	UDPRoute         = "UDPRoute." + GroupGateway

	GCPBackendPolicy             = "GCPBackendPolicy." + GroupGKE
	GCPGatewayPolicy             = "GCPGatewayPolicy." + GroupGKE
	GCPTrafficDistributionPolicy = "GCPTrafficDistributionPolicy." + GroupGKE
	HealthCheckPolicy            = "HealthCheckPolicy." + GroupGKE

	GCPRoutingExtension = "GCPRoutingExtension." + GroupGKE
	GCPTrafficExtension = "GCPTrafficExtension." + GroupGKE
	GCPWasmPlugin       = "GCPWasmPlugin." + GroupGKE

	ServiceNetworkEndpointGroup = "ServiceNetworkEndpointGroup." + GroupGKE

	ServiceExport    = "ServiceExport." + GroupNetGKE
	ServiceImport    = "ServiceImport." + GroupNetGKE
	MCSServiceExport = "ServiceExport." + GroupMultiCluster
	MCSServiceImport = "ServiceImport." + GroupMultiCluster

	Cluster       = "Cluster." + GroupSpillway
	Configuration = "Configuration." + GroupSpillway
)

// All returns the table, in the order in which names that two groups share are looked up: net.gke.io is what
// `serviceexports` alone means.
func All() []Kind {
	var all []Kind
	for _, part := range [][]Kind{coreKinds(), ingressKinds(), gatewayKinds(), policyKinds(), negKinds(), fleetKinds(), ownKinds()} {
		all = append(all, part...)
	}
	return all
}

func coreKinds() []Kind {
	return []Kind{
		{Name: "Pod", Version: "v1", Plural: "pods", Short: []string{"po"}, Namespaced: true},
		{Name: "Service", Version: "v1", Plural: "services", Short: []string{"svc"}, Namespaced: true},
		{Name: "Deployment", Group: GroupApps, Version: "v1", Plural: "deployments", Short: []string{"deploy"}, Namespaced: true},
		{Name: "ReplicaSet", Group: GroupApps, Version: "v1", Plural: "replicasets", Short: []string{"rs"}, Namespaced: true},
		{Name: "StatefulSet", Group: GroupApps, Version: "v1", Plural: "statefulsets", Short: []string{"sts"}, Namespaced: true},
		{Name: "DaemonSet", Group: GroupApps, Version: "v1", Plural: "daemonsets", Short: []string{"ds"}, Namespaced: true},
		{Name: "Node", Version: "v1", Plural: "nodes", Short: []string{"no"}},
		{Name: "Namespace", Version: "v1", Plural: "namespaces", Short: []string{"ns"}},
		{Name: "EndpointSlice", Group: GroupDiscovery, Version: "v1", Plural: "endpointslices", Namespaced: true},
		{Name: "Endpoints", Version: "v1", Plural: "endpoints", Short: []string{"ep"}, Namespaced: true, Derived: true},
		{Name: "Secret", Version: "v1", Plural: "secrets", Namespaced: true},
		{Name: "ConfigMap", Version: "v1", Plural: "configmaps", Short: []string{"cm"}, Namespaced: true},
		{Name: "ServiceAccount", Version: "v1", Plural: "serviceaccounts", Short: []string{"sa"}, Namespaced: true},
		{Name: "Event", Version: "v1", Plural: "events", Short: []string{"ev"}, Namespaced: true, Derived: true},
	}
}

func ingressKinds() []Kind {
	return []Kind{
		{Name: "Ingress", Group: GroupNetworking, Version: "v1", Plural: "ingresses", Short: []string{"ing"}, Namespaced: true},
		{Name: "IngressClass", Group: GroupNetworking, Version: "v1", Plural: "ingressclasses"},
		{
			Name: "BackendConfig", Group: GroupCloud, Version: "v1", Older: []string{"v1beta1"}, Plural: "backendconfigs",
			Short: []string{"bc"}, Namespaced: true, Custom: true,
		},
		{Name: "FrontendConfig", Group: GroupGKE, Version: "v1beta1", Plural: "frontendconfigs", Namespaced: true, Custom: true},
		{
			Name: "ManagedCertificate", Group: GroupGKE, Version: "v1", Plural: "managedcertificates", Short: []string{"mcrt"},
			Namespaced: true, Custom: true,
		},
	}
}

func gatewayKinds() []Kind {
	beta := []string{"v1beta1"}
	gateway := func(name, plural string, older []string, short ...string) Kind {
		return Kind{Name: name, Group: GroupGateway, Version: "v1", Older: older, Plural: plural, Short: short, Namespaced: true, Custom: true}
	}
	class := gateway("GatewayClass", "gatewayclasses", beta, "gc")
	class.Namespaced = false
	return []Kind{
		gateway("Gateway", "gateways", beta, "gtw"),
		class,
		gateway("HTTPRoute", "httproutes", beta),
		gateway("GRPCRoute", "grpcroutes", nil),
		gateway("ListenerSet", "listenersets", nil, "lset"),
		gateway("ReferenceGrant", "referencegrants", beta, "refgrant"),
		gateway("BackendTLSPolicy", "backendtlspolicies", nil, "btlspolicy"),
		gateway("TLSRoute", "tlsroutes", nil),
		gateway("TCPRoute", "tcproutes", nil),
		gateway("UDPRoute", "udproutes", nil),
	}
}

func policyKinds() []Kind {
	policy := func(name, plural string) Kind {
		return Kind{Name: name, Group: GroupGKE, Version: "v1", Plural: plural, Namespaced: true, Custom: true}
	}
	return []Kind{
		policy("HealthCheckPolicy", "healthcheckpolicies"),
		policy("GCPBackendPolicy", "gcpbackendpolicies"),
		policy("GCPGatewayPolicy", "gcpgatewaypolicies"),
		policy("GCPTrafficDistributionPolicy", "gcptrafficdistributionpolicies"),
		policy("GCPRoutingExtension", "gcproutingextensions"),
		policy("GCPTrafficExtension", "gcptrafficextensions"),
		policy("GCPWasmPlugin", "gcpwasmplugins"),
	}
}

func negKinds() []Kind {
	return []Kind{{
		Name: "ServiceNetworkEndpointGroup", Group: GroupGKE, Version: "v1beta1", Plural: "servicenetworkendpointgroups",
		Short: []string{"svcneg"}, Namespaced: true, Custom: true, Derived: true,
	}}
}

func fleetKinds() []Kind {
	gke := func(name, plural string, short ...string) Kind {
		return Kind{Name: name, Group: GroupNetGKE, Version: "v1", Plural: plural, Short: short, Namespaced: true, Custom: true}
	}
	mcs := func(name, plural string, short ...string) Kind {
		return Kind{
			Name: name, Group: GroupMultiCluster, Version: "v1beta1", Older: []string{"v1alpha1"}, Plural: plural, Short: short,
			Namespaced: true, Custom: true,
		}
	}
	return []Kind{
		gke("ServiceExport", "serviceexports", "svcex"),
		gke("ServiceImport", "serviceimports", "svcim"),
		mcs("ServiceExport", "serviceexports", "svcex", "svcexport"),
		mcs("ServiceImport", "serviceimports", "svcim", "svcimport"),
	}
}

func ownKinds() []Kind {
	own := func(name, plural string) Kind {
		return Kind{Name: name, Group: GroupSpillway, Version: "v1alpha1", Plural: plural, Fleet: true, Custom: true}
	}
	return []Kind{own("Cluster", "clusters"), own("Configuration", "configurations")}
}
