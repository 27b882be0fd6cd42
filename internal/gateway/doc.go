// Package gateway translates the Gateway API: Gateways of GKE's classes, HTTPRoutes and GRPCRoutes become load balancer
// resources, statuses, annotations and events.
//
// In: Gateway API objects, Namespaces, Secrets and ConfigMaps through a recompute.View, the fleet (package fleet), NEGs
// (package neg) and policies (package policy). Out, as recompute units:
//
//	gateway.class         a class name            -> what the class is
//	gateway.served        a Gateway               -> its spec as it is served: today's, or what an earlier one had for what is broken
//	gateway.servedset     a ListenerSet           -> its listeners as they are served, likewise
//	gateway.listeners     a Gateway               -> what routes need to know of it, ListenerSets merged
//	gateway.verdict       a Gateway               -> what is wrong with it, whatever its routes and proxies do
//	gateway.attachment    a route and a Gateway   -> RouteRules; value: the conditions of the route's parents
//	gateway.route         a route (root)          -> its status
//	gateway.certificate   a listener's reference  -> SslCertificate
//	gateway.authority     a listener's reference  -> one authority of its clients, as PEM
//	gateway.clients       a listener              -> TrustConfig of its clients
//	gateway.certificates  a listener              -> what it serves TLS with
//	gateway.addresses     a Gateway               -> what it is served at
//	gateway.urlmap        a Gateway and port      -> UrlMap
//	gateway.frontend      a Gateway and port      -> ForwardingRule, TargetProxy
//	gateway.ports         a Gateway               -> makes its frontends exist
//	gateway.gateway       a Gateway (root)        -> its status, annotations, finalizer and events
//	gateway.gatewayclass  a GatewayClass (root)   -> its status
//	gateway.listenerset   a ListenerSet (root)    -> its status and events
//	gateway.builtinclasses a Cluster (root)       -> GKE's GatewayClass objects (see BuiltinClasses)
//
// The unit gateway.X stands in unit_X.go; attachment_*, route_*, listener_*, gateway_* and class_* are what units of that
// subject are made of.
//
// What is not the Gateway API's stands in packages of its own, which an Ingress or an extension uses as well: package
// backend makes backend services, frontend addresses, forwarding rules and certificates, refgrant decides on references.
//
// The grain is the rule: an edit of one route re-runs that route's units and no others', because a Gateway's own units
// see routes through tallies only. Wire it with
//
//	recompute.Config{Units: gateway.Units(options), Roots: gateway.Roots()}
//	store.New(gateway.Indexes()...)
//
// A broken edit (an unusable address, a regular expression that does not compile) shows in statuses while the last good
// version stays published, as far as grants and allowedRoutes permit it today.
package gateway
