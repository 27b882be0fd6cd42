package gateway

// Kinds in the form of store.Ref.
const (
	KindGatewayClass   = "GatewayClass.gateway.networking.k8s.io"
	KindGateway        = "Gateway.gateway.networking.k8s.io"
	KindHTTPRoute      = "HTTPRoute.gateway.networking.k8s.io"
	KindGRPCRoute      = "GRPCRoute.gateway.networking.k8s.io"
	KindListenerSet    = "ListenerSet.gateway.networking.k8s.io"
	KindReferenceGrant = "ReferenceGrant.gateway.networking.k8s.io"
	kindNamespace      = "Namespace"
	kindSecret         = "Secret"
	kindConfigMap      = "ConfigMap"
	kindService        = "Service"
)

// Groups of backends and of what refers to them.
const (
	groupGateway   = "gateway.networking.k8s.io"
	groupImport    = "net.gke.io"
	groupImportMCS = "multicluster.x-k8s.io"
)

// ControllerName stands in the statuses of routes and policies, and in GatewayClasses.
const ControllerName = "networking.gke.io/gateway"
