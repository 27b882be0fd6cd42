package gateway

// ControllerName stands in the statuses of routes and policies, and in GatewayClasses.
const ControllerName = "networking.gke.io/gateway"
