package conformance

// resource is one kind as the suite's clients write it into paths.
type resource struct {
	group, version, plural, kind string
}

// ref is the kind's name at the control socket.
func (r resource) ref() string {
	if r.group == "" {
		return r.kind
	}
	return r.kind + "." + r.group
}

func (r resource) apiVersion() string {
	if r.group == "" {
		return r.version
	}
	return r.group + "/" + r.version
}

const gatewayGroup = "gateway.networking.k8s.io"

// resources are the kinds that the suite reads or writes.
func resources() []resource {
	return []resource{
		{"", "v1", "configmaps", "ConfigMap"},
		{"", "v1", "namespaces", "Namespace"},
		{"", "v1", "nodes", "Node"},
		{"", "v1", "pods", "Pod"},
		{"", "v1", "secrets", "Secret"},
		{"", "v1", "serviceaccounts", "ServiceAccount"},
		{"", "v1", "services", "Service"},
		{"apps", "v1", "deployments", "Deployment"},
		{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"},
		{gatewayGroup, "v1", "backendtlspolicies", "BackendTLSPolicy"},
		{gatewayGroup, "v1", "gatewayclasses", "GatewayClass"},
		{gatewayGroup, "v1", "gateways", "Gateway"},
		{gatewayGroup, "v1", "grpcroutes", "GRPCRoute"},
		{gatewayGroup, "v1", "httproutes", "HTTPRoute"},
		{gatewayGroup, "v1", "listenersets", "ListenerSet"},
		{gatewayGroup, "v1", "referencegrants", "ReferenceGrant"},
		{gatewayGroup, "v1beta1", "referencegrants", "ReferenceGrant"},
		{gatewayGroup, "v1", "tcproutes", "TCPRoute"},
		{gatewayGroup, "v1", "tlsroutes", "TLSRoute"},
		{gatewayGroup, "v1", "udproutes", "UDPRoute"},
	}
}

func find(group, version, plural string) (resource, bool) {
	for _, r := range resources() {
		if r.group == group && r.version == version && r.plural == plural {
			return r, true
		}
	}
	return resource{}, false
}
