// Package ingress translates Ingresses of GKE's classes: they become the same load balancer resources as a Gateway, with
// statuses, annotations and events as ingress-gce writes them.
//
// In: Ingresses, IngressClasses, FrontendConfigs, ManagedCertificates and the Services that they name, through a recompute.View; what BackendConfigs
// say of a Service is package backend's. Out, as recompute units, by the Ingress' Ref:
//
//	ingress.plan          -> what the Ingress asks for: its rules with the Service ports behind them; value: a *plan
//	ingress.urlmap        -> UrlMap, RouteRules; value: the backend services
//	ingress.addresses     -> what it is served at
//	ingress.certificate   -> (with a Secret's name) value: a certificate
//	ingress.frontend      -> ForwardingRules, TargetProxies, SslCertificates, the UrlMap that redirects; value: their names
//	ingress.ingress       -> (root) its status, annotations, finalizer and events
//	ingress.managed       -> (root, by the ManagedCertificate's Ref) its status and events
//	neg.ingressports      -> by Service: the ports that Ingresses send to
//
// A part of an Ingress that cannot be obeyed answers 500, or is left out if no request could be told to be for it, and the
// rest goes on; every such part is told by a Warning event, and by the annotation Problems as long as it lasts.
//
//	recompute.Config{Units: ingress.Units(options), Roots: ingress.Roots()}
//	store.New(ingress.Indexes()...)
package ingress
