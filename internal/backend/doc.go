// Package backend makes backend services of Service ports: for routes of a Gateway, and as well for an Ingress, a callout
// or an annotated Service, because it knows nothing of who asks.
//
// In: a Key, which says for which scope, which Service or ServiceImport and port, and how the resources are named; NEGs
// (package neg), imports (package fleet) and policies (package policy) through a recompute.View. Out, as recompute units:
//
//	backend          a Key                    -> BackendService, HealthCheck, TrustConfig, SslCertificate; value: a Backend
//	backend.probe    a Service port, a scheme -> what its Pods' readiness probes say of the health check; value: a probe
//	backend.weights  a Key and a location     -> Weights
//	backend.default  a scope, namespace, code -> a BackendService that answers by itself
//
// Reading a unit makes it exist. A backend that cannot be says why, for the condition of whoever refers to it:
//
//	b := backend.Of(view, backend.Key{Scope: s, Namespace: "store", Name: "store", Port: 8080})
//	if b.Problem != nil { ... b.Problem.Reason, b.Problem.Message ... }
package backend
