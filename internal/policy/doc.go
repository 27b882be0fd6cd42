// Package policy reads the policies that attach to Services, ServiceImports and Gateways: HealthCheckPolicy,
// GCPBackendPolicy, GCPTrafficDistributionPolicy, GCPGatewayPolicy and BackendTLSPolicy.
//
// In: policies and their targets through a recompute.View. Out: for translators, what applies to a target (HealthCheck,
// Backend, SetDistribution, OfGateway, BackendTLS); as recompute units, the status and events of each policy. One
// policy of a kind applies to a target, the oldest; the others are Conflicted. A kind is one row in units.go and one file.
//
//	recompute.Config{Units: policy.Units(check), Roots: policy.Roots()}
//	store.New(policy.Indexes()...)
//	check := policy.HealthCheck(view, policy.Target{Cluster: "gke-west-1", Kind: policy.Service, Namespace: "store", Name: "store"}, lbv1.HealthCheck_HTTP)
package policy
