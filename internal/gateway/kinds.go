package gateway

import "github.com/spillway-lb/spillway/internal/kind"

// Kinds in the form of store.Ref.
const (
	KindGatewayClass = kind.GatewayClass
	KindGateway      = kind.Gateway
	KindHTTPRoute    = kind.HTTPRoute
	KindGRPCRoute    = kind.GRPCRoute
	KindListenerSet  = kind.ListenerSet
	kindNamespace    = "Namespace"
	kindSecret       = "Secret"
	kindConfigMap    = "ConfigMap"
)

// Groups of backends and of what refers to them.
const (
	groupGateway   = "gateway.networking.k8s.io"
	groupImport    = "net.gke.io"
	groupImportMCS = "multicluster.x-k8s.io"
)

// ControllerName stands in the statuses of routes and policies, and in GatewayClasses.
const ControllerName = "networking.gke.io/gateway"
