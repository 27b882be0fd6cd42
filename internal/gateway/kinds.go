package gateway

import "github.com/spillway-lb/spillway/internal/policy"

// ControllerName stands in the statuses of routes and policies, and in GatewayClasses.
const ControllerName = policy.ControllerName
