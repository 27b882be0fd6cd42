package extension

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Kinds of references.
const (
	kindService = "Service"
	kindImport  = "ServiceImport"
	kindPlugin  = "GCPWasmPlugin"
	kindApigee  = "ApigeeBackendService"
)

// refer adds a problem of what an extension names.
func (c *compiler) refer(i, k int, reason, format string, args ...any) {
	c.referred = append(c.referred, problem{Reason: reason, Message: fmt.Sprintf(format, args...), Chain: i, Extension: k})
}

// target finds what runs an extension, or adds the problem that keeps it from running.
func (c *compiler) target(i, k int, e *networkingv1.Extension, out *lbv1.Extension) {
	switch {
	case e.BackendRef == nil:
		c.googleAPI(i, k, value(e.GoogleAPIServiceName), out)
	case e.BackendRef.Kind == kindPlugin:
		c.plugin(i, k, e.BackendRef.Name, out)
	default:
		c.callout(i, k, e.BackendRef, out)
	}
}

// keyOf is the backend service of a Service or ServiceImport.
func (c *compiler) keyOf(r *networkingv1.ExtensionServiceReference) backend.Key {
	return backend.Key{
		Scope: c.gw.Scope, Imported: r.Kind == kindImport, Namespace: c.key.extension.Namespace, Name: r.Name, Port: value(r.Port),
	}
}

// callout makes the backend service of a callout.
func (c *compiler) callout(i, k int, r *networkingv1.ExtensionServiceReference, out *lbv1.Extension) {
	key := c.keyOf(r)
	key.Callout = true
	c.targets = append(c.targets, key.Target())
	if c.missing(key) {
		c.refer(i, k, reasonServiceNotFound, "error cause: invalid-extension-service: %s", notFound(r.Kind, key))
		return
	}
	b := backend.Of(c.view, key)
	switch {
	case b.Kept:
		c.held = true
	case b.Problem != nil && b.Problem.Reason == backend.Unknown:
		c.held = true
	case b.Problem != nil && b.Problem.Reason == backend.NotFound:
		c.refer(i, k, reasonServiceNotFound, "error cause: invalid-extension-service: port %d of %s", key.Port, notFound(r.Kind, key))
	case b.Problem != nil:
		c.refer(i, k, reasonInvalidService, "%s", b.Problem.Message)
	case b.Aborts != "":
		c.refer(i, k, reasonInvalidService, "the BackendTLSPolicy of %s %q cannot be obeyed: %s", r.Kind, key.Namespace+"/"+key.Name, b.Aborts)
	case b.Protocol != lbv1.BackendProtocol_HTTP2 && b.Protocol != lbv1.BackendProtocol_H2C:
		c.refer(i, k, reasonInvalidService, "service %s/%s in %s does not have port %d with protocol HTTP2 (set appProtocol: HTTP2, or kubernetes.io/h2c without TLS)",
			key.Namespace, key.Name, kind.Bare(c.key.extension.Kind), key.Port)
	default:
		c.take(i, k, key, b.Service, out)
	}
}

// notFound is what the documentation shows of a Service that is missing.
func notFound(kind string, key backend.Key) string {
	return fmt.Sprintf("%s %q not found in namespace %q", strings.ToLower(kind), key.Name, key.Namespace)
}

// take names the backend service, unless a policy makes it unfit for callouts.
func (c *compiler) take(i, k int, key backend.Key, service string, out *lbv1.Extension) {
	if setting := policy.NotForCallouts(c.view, key.Target()); setting != "" {
		c.refer(i, k, reasonInvalidService, "%s %s/%s has a GCPBackendPolicy with %s, which the Service of an extension can't have",
			key.Target().Kind, key.Namespace, key.Name, setting)
		return
	}
	c.services = append(c.services, service)
	c.need(key.Ref())
	if !slices.Contains(c.calls, key) {
		c.calls = append(c.calls, key)
	}
	out.Target = &lbv1.Extension_BackendService{BackendService: service}
}

// missing tells whether what a key is made of is not there at all.
func (c *compiler) missing(key backend.Key) bool {
	if !key.Imported {
		_, ok := recompute.Get[*corev1.Service](c.view, key.Ref())
		return !ok && !fact.Pending(c.view, key.Scope.Cluster, kind.Service)
	}
	_, ok, held := recompute.Value[*fleet.Import](c.view, fleet.UnitImport, fleet.ImportKey(key.Namespace, key.Name))
	return !ok && !held
}

// silence is why nobody answers at a backend that is called, nil if somebody does as far as is known. It is for statuses alone:
// what is served does not change with each endpoint.
func silence(v *recompute.View, key backend.Key) *problem {
	text := ""
	if isEmpty(v, key) {
		text = fmt.Sprintf("no network endpoints found for service %q", key.Name)
	} else if why, ok := recompute.Fact[string](v, fact.Outage(key.Ref(), key.Port)); ok {
		text = fmt.Sprintf("no healthy endpoint for port %d of service %q: %s", key.Port, key.Name, why)
	} else {
		return nil
	}
	return &problem{Reason: reasonWaiting, Harmless: true, Message: text}
}

// isEmpty tells whether a Service has no endpoint. Those of an import are counted where they are.
func isEmpty(v *recompute.View, key backend.Key) bool {
	if key.Imported {
		return false
	}
	sizes, ok, _ := recompute.Value[neg.Sizes](v, neg.UnitSizes, neg.Key(key.Scope.Cluster, key.Namespace, key.Name, key.Port))
	if !ok {
		return false
	}
	for _, n := range sizes {
		if n > 0 {
			return false
		}
	}
	return true
}

// matched are the backend services that a condition means by a Service: routes for HTTP and for gRPC have one each. They need not
// be there: what is not never gets a request.
func (c *compiler) matched(i int, r *networkingv1.ExtensionServiceReference) []string {
	key := c.keyOf(r)
	if c.missing(key) {
		c.referred = append(c.referred, problem{
			Reason: reasonServiceNotFound, Harmless: true, Chain: i, Extension: -1,
			Message: "error cause: invalid-extension-service: " + notFound(r.Kind, key),
		})
	}
	plain := key.ServiceName(c.view)
	key.GRPC = true
	return []string{plain, key.ServiceName(c.view)}
}

// plugin names the Wasm plugin.
func (c *compiler) plugin(i, k int, name string, out *lbv1.Extension) {
	ref := c.key.extension
	ref.Kind, ref.Name = kind.GCPWasmPlugin, name
	c.plugins = append(c.plugins, ref)
	p, ok, held := recompute.Value[*plugin](c.view, unitPlugin, ref.String())
	switch {
	case held:
		c.held = true
	case !ok:
		c.refer(i, k, reasonPluginNotFound, "error cause: invalid-wasm-plugin: GCPWasmPlugin %s in %s %s does not exist",
			nameOf(ref), kind.Bare(c.key.extension.Kind), nameOf(c.key.extension))
	case p.Main == "":
		c.refer(i, k, p.Problem.Reason, "GCPWasmPlugin %s: %s", nameOf(ref), p.Problem.Message)
	default:
		c.need(ref)
		out.Target = &lbv1.Extension_WasmPlugin{WasmPlugin: p.Name}
	}
}
