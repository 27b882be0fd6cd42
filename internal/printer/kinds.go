package printer

const (
	gatewayGroup = "gateway.networking.k8s.io"
	gkeGroup     = "networking.gke.io"
	netGKEGroup  = "net.gke.io"
	mcsGroup     = "multicluster.x-k8s.io"
)

// Kinds returns every kind that can be stored or derived. TestKindsMatchCRDs holds the custom ones to their CRDs.
func Kinds() []Kind {
	return append(append(coreKinds(), gatewayKinds()...), multiClusterKinds()...)
}

func coreKinds() []Kind {
	return []Kind{
		{Kind: "Pod", Version: "v1", Plural: "pods", Short: []string{"po"}, Namespaced: true},
		{Kind: "Service", Version: "v1", Plural: "services", Short: []string{"svc"}, Namespaced: true},
		{Kind: "Deployment", Group: "apps", Version: "v1", Plural: "deployments", Short: []string{"deploy"}, Namespaced: true},
		{Kind: "ReplicaSet", Group: "apps", Version: "v1", Plural: "replicasets", Short: []string{"rs"}, Namespaced: true},
		{Kind: "Node", Version: "v1", Plural: "nodes", Short: []string{"no"}},
		{Kind: "Namespace", Version: "v1", Plural: "namespaces", Short: []string{"ns"}},
		{Kind: "EndpointSlice", Group: "discovery.k8s.io", Version: "v1", Plural: "endpointslices", Namespaced: true},
		{Kind: KindEndpoints, Version: "v1", Plural: "endpoints", Short: []string{"ep"}, Namespaced: true},
		{Kind: "Secret", Version: "v1", Plural: "secrets", Namespaced: true},
		{Kind: "ConfigMap", Version: "v1", Plural: "configmaps", Short: []string{"cm"}, Namespaced: true},
		{Kind: "Event", Version: "v1", Plural: "events", Short: []string{"ev"}, Namespaced: true},
	}
}

func gatewayKinds() []Kind {
	hostnames := []Column{{Header: "Hostnames", Path: ".spec.hostnames"}, age()}
	return []Kind{
		{
			Kind: "Gateway", Group: gatewayGroup, Version: "v1", Plural: "gateways", Short: []string{"gtw"}, Namespaced: true,
			Columns: []Column{
				{Header: "Class", Path: ".spec.gatewayClassName"},
				{Header: "Address", Path: ".status.addresses[*].value"},
				{Header: "Programmed", Path: `.status.conditions[?(@.type=="Programmed")].status`},
				age(),
			},
		},
		{
			Kind: "GatewayClass", Group: gatewayGroup, Version: "v1", Plural: "gatewayclasses", Short: []string{"gc"},
			Columns: []Column{
				{Header: "Controller", Path: ".spec.controllerName"},
				{Header: "Accepted", Path: `.status.conditions[?(@.type=="Accepted")].status`},
				age(),
				{Header: "Description", Path: ".spec.description", Wide: true},
			},
		},
		{
			Kind: "HTTPRoute", Group: gatewayGroup, Version: "v1", Plural: "httproutes", Namespaced: true, Columns: hostnames,
		},
		{
			Kind: "GRPCRoute", Group: gatewayGroup, Version: "v1", Plural: "grpcroutes", Namespaced: true, Columns: hostnames,
		},
		{
			Kind: "ListenerSet", Group: gatewayGroup, Version: "v1", Plural: "listenersets", Short: []string{"lset"}, Namespaced: true,
			Columns: []Column{
				{Header: "Accepted", Path: `.status.conditions[?(@.type=="Accepted")].status`},
				{Header: "Programmed", Path: `.status.conditions[?(@.type=="Programmed")].status`},
				age(),
			},
		},
		{Kind: "ReferenceGrant", Group: gatewayGroup, Version: "v1", Plural: "referencegrants", Short: []string{"refgrant"}, Namespaced: true},
		{Kind: "BackendTLSPolicy", Group: gatewayGroup, Version: "v1", Plural: "backendtlspolicies", Short: []string{"btlspolicy"}, Namespaced: true},
		{Kind: "TLSRoute", Group: gatewayGroup, Version: "v1", Plural: "tlsroutes", Namespaced: true},
		{Kind: "TCPRoute", Group: gatewayGroup, Version: "v1", Plural: "tcproutes", Namespaced: true},
		{Kind: "UDPRoute", Group: gatewayGroup, Version: "v1", Plural: "udproutes", Namespaced: true},
		{Kind: "HealthCheckPolicy", Group: gkeGroup, Version: "v1", Plural: "healthcheckpolicies", Namespaced: true},
		{Kind: "GCPBackendPolicy", Group: gkeGroup, Version: "v1", Plural: "gcpbackendpolicies", Namespaced: true},
		{Kind: "GCPGatewayPolicy", Group: gkeGroup, Version: "v1", Plural: "gcpgatewaypolicies", Namespaced: true},
		{Kind: "GCPTrafficDistributionPolicy", Group: gkeGroup, Version: "v1", Plural: "gcptrafficdistributionpolicies", Namespaced: true},
	}
}

// multiClusterKinds has net.gke.io first: it is what `serviceexports` alone means.
func multiClusterKinds() []Kind {
	imports := []Column{{Header: "Type", Path: ".spec.type"}, {Header: "IP", Path: ".spec.ips"}, age()}
	return []Kind{
		{Kind: "ServiceExport", Group: netGKEGroup, Version: "v1", Plural: "serviceexports", Short: []string{"svcex"}, Namespaced: true},
		{
			Kind: "ServiceImport", Group: netGKEGroup, Version: "v1", Plural: "serviceimports", Short: []string{"svcim"}, Namespaced: true,
			Columns: imports,
		},
		{
			Kind: "ServiceExport", Group: mcsGroup, Version: "v1beta1", Plural: "serviceexports",
			Short: []string{"svcex", "svcexport"}, Namespaced: true,
		},
		{
			Kind: "ServiceImport", Group: mcsGroup, Version: "v1beta1", Plural: "serviceimports",
			Short: []string{"svcim", "svcimport"}, Namespaced: true, Columns: imports,
		},
		{
			Kind: "Cluster", Group: "spillway.dev", Version: "v1alpha1", Plural: "clusters", Fleet: true,
			Columns: []Column{{Header: "Region", Path: ".spec.region"}, {Header: "Config", Path: ".spec.configCluster"}, age()},
		},
		{Kind: "Configuration", Group: "spillway.dev", Version: "v1alpha1", Plural: "configurations", Fleet: true},
	}
}

func age() Column { return Column{Header: "Age", Path: ".metadata.creationTimestamp", Date: true} }
