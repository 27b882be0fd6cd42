package gateway

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Backend is what a route needs to know of a backend. A backend that is not there has none.
type Backend struct {
	// Service is the backend service.
	Service string
}

// defaultTimeout is Google's for one exchange.
const defaultTimeout = 30 // s

// backendUnit makes backend services.
type backendUnit struct {
	options Options
}

func (u backendUnit) translate(v *recompute.View, key string) recompute.Result {
	k, ok := parseBackendKey(key)
	if !ok {
		return recompute.Result{}
	}
	b := backendBuilder{view: v, options: u.options, key: k}
	switch found, held := b.findSources(); {
	case held:
		return recompute.Result{State: recompute.Held}
	case !found:
		return recompute.Result{}
	}
	return b.result()
}

// source is a cluster's share of a backend.
type source struct {
	cluster string
	groups  *neg.Groups
}

// backendBuilder gathers one backend service.
type backendBuilder struct {
	view        *recompute.View
	options     Options
	key         backendKey
	sources     []source
	appProtocol string
	// portName is what a policy may call the port.
	portName string
}

// findSources looks up the groups of every cluster that has the port.
func (b *backendBuilder) findSources() (found, held bool) {
	if !b.key.imported {
		return b.addSource(b.key.scope.Cluster)
	}
	imported, ok, held := recompute.Value[*fleet.Import](b.view, fleet.UnitImport, fleet.ImportKey(b.key.namespace, b.key.name))
	if !ok || held {
		return false, held
	}
	for _, p := range imported.Ports {
		if p.Port == b.key.port {
			found = true
			b.appProtocol, b.portName = p.AppProtocol, p.Name
		}
	}
	for _, export := range imported.Exports {
		if !slices.ContainsFunc(export.Ports, func(p fleet.Port) bool { return p.Port == b.key.port }) {
			continue
		}
		if _, held := b.addSource(export.Cluster); held {
			return false, true
		}
	}
	return found, false
}

func (b *backendBuilder) addSource(cluster string) (found, held bool) {
	key := neg.Key(cluster, b.key.namespace, b.key.name, b.key.port)
	groups, ok, held := recompute.Value[*neg.Groups](b.view, neg.UnitGroups, key)
	if !ok || held {
		return false, held
	}
	if b.appProtocol == "" {
		b.appProtocol = groups.AppProtocol
	}
	b.sources = append(b.sources, source{cluster, groups})
	return true, false
}

func (b *backendBuilder) result() recompute.Result {
	scope := b.key.scope
	member := memberOf(b.view, scope.Cluster)
	name := scope.namer().BackendService(b.key.namespace, b.key.name, b.key.port, scope.variant(b.extra()...))
	collection := "services"
	if b.key.imported {
		collection = "serviceimports"
	}
	settings := policy.Backend(b.view, b.key.target())
	service := &lbv1.BackendService{
		Protocol: backendProtocol(b.appProtocol, b.key.grpc), HealthCheck: name, Scheme: scope.Scheme, Region: scope.Region,
		Timeout: seconds(defaultTimeout), Target: b.key.namespace + "/" + b.key.name + ":" + itoa(b.key.port),
		Backends: b.backends(settings), Description: describe(collection, b.key.namespace, b.key.name, member),
		Owner: owner.Of(b.key.object()),
	}
	policy.SetBackend(service, settings)
	policy.SetDistribution(b.view, b.key.target(), service)
	resources := b.secure(name, service)
	check := policy.HealthCheck(b.view, b.key.target(), checkType(service.GetProtocol()))
	check.Description, check.Owner = service.GetDescription(), service.GetOwner()
	resources = append(resources,
		&lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: service}},
		&lbv1.Resource{Name: name, Body: &lbv1.Resource_HealthCheck{HealthCheck: check}},
	)
	resources = append(resources, b.weights(name, service)...)
	return recompute.Result{State: recompute.Present, Value: Backend{Service: name}, Resources: resources}
}

// extra are what else tells backend services of one port apart.
func (b *backendBuilder) extra() []string {
	var extra []string
	if !b.key.imported && b.key.scope.Multi {
		extra = append(extra, "service")
	}
	if b.key.imported && !b.key.scope.Multi {
		extra = append(extra, "import")
	}
	if b.key.grpc {
		extra = append(extra, "grpc")
	}
	return extra
}

func (b *backendBuilder) backends(settings *networkingv1.GCPBackendPolicyConfig) []*lbv1.Backend {
	var out []*lbv1.Backend
	for _, s := range b.sources {
		service := store.Ref{Cluster: s.cluster, Kind: kindService, Namespace: b.key.namespace, Name: b.key.name}
		var annotations map[string]string
		if object, ok := recompute.Get[*corev1.Service](b.view, service); ok {
			annotations = object.Annotations
		}
		export := policy.Backend(b.view, policy.Target{
			Cluster: s.cluster, Kind: policy.ServiceExport, Namespace: b.key.namespace, Name: b.key.name,
		})
		for _, g := range s.groups.Groups {
			backend := &lbv1.Backend{Group: g.Name}
			at := policy.Place{Cluster: g.Cluster, Region: g.Region, Zone: g.Zone}
			policy.SetCapacity(backend, at, annotations, settings, export)
			out = append(out, backend)
		}
	}
	slices.SortFunc(out, func(a, b *lbv1.Backend) int { return strings.Compare(a.GetGroup(), b.GetGroup()) })
	return out
}

// backendProtocol reads a port's appProtocol. One that says nothing is HTTP/1.1, for a GRPCRoute HTTP/2 without TLS.
func backendProtocol(appProtocol string, grpc bool) lbv1.BackendProtocol {
	switch strings.ToLower(appProtocol) {
	case "https", "kubernetes.io/wss":
		if grpc {
			return lbv1.BackendProtocol_HTTP2
		}
		return lbv1.BackendProtocol_HTTPS
	case "http2":
		return lbv1.BackendProtocol_HTTP2
	case "kubernetes.io/h2c", "grpc", "h2c":
		return lbv1.BackendProtocol_H2C
	}
	if grpc {
		return lbv1.BackendProtocol_H2C
	}
	return lbv1.BackendProtocol_HTTP
}

// checkType is the default probe. What speaks HTTP/2 without TLS is most often gRPC, which has no page at "/": a
// connection is all that can be asked of it.
func checkType(p lbv1.BackendProtocol) lbv1.HealthCheck_Type {
	switch p {
	case lbv1.BackendProtocol_HTTPS:
		return lbv1.HealthCheck_HTTPS
	case lbv1.BackendProtocol_HTTP2:
		return lbv1.HealthCheck_HTTP2
	case lbv1.BackendProtocol_H2C:
		return lbv1.HealthCheck_TCP
	}
	return lbv1.HealthCheck_HTTP
}

func seconds(n int64) *durationpb.Duration { return &durationpb.Duration{Seconds: n} }
