package backend

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// defaultTimeout is Google's for one exchange.
const defaultTimeout = 30 // s

// translator makes backend services.
type translator struct {
	options Options
}

func (t translator) translate(v *recompute.View, key string) recompute.Result {
	k, ok := ParseKey(key)
	if !ok {
		return recompute.Result{}
	}
	if service, ok := recompute.Get[*corev1.Service](v, k.Ref()); ok && !k.Imported {
		if problem := k.unfit(service); problem != nil {
			return failed(problem)
		}
	}
	b := builder{view: v, options: t.options, key: k}
	if !b.key.Imported && v.Get(k.Ref()) == nil && fact.Pending(v, k.Scope.Cluster, kind.Service) {
		return recompute.Result{State: recompute.Held}
	}
	switch found, held := b.findSources(); {
	case held || b.policiesPending():
		return recompute.Result{State: recompute.Held}
	case !found:
		return failed(k.notFound())
	}
	if problem := k.unspoken(b.appProtocol); problem != nil {
		return failed(problem)
	}
	return b.result()
}

// source is a cluster's share of a backend.
type source struct {
	cluster string
	groups  *neg.Groups
}

// builder gathers one backend service.
type builder struct {
	view        *recompute.View
	options     Options
	key         Key
	sources     []source
	appProtocol string
	// portName is what a policy may call the port.
	portName string
	// aborts is why it answers 500 by itself.
	aborts string
}

// findSources looks up the groups of every cluster that has the port.
func (b *builder) findSources() (found, held bool) {
	if !b.key.Imported {
		return b.addSource(b.key.Scope.Cluster)
	}
	imported, ok, held := recompute.Value[*fleet.Import](b.view, fleet.UnitImport, fleet.ImportKey(b.key.Namespace, b.key.Name))
	if !ok || held {
		return false, held
	}
	for _, p := range imported.Ports {
		if b.key.isPort(p) {
			found = true
			b.appProtocol, b.portName = p.AppProtocol, p.Name
		}
	}
	for _, export := range imported.Exports {
		if !slices.ContainsFunc(export.Ports, b.key.isPort) {
			continue
		}
		if _, held := b.addSource(export.Cluster); held {
			return false, true
		}
	}
	return found, false
}

// policiesPending: which policies apply is not known yet, neither there nor where the endpoints are.
func (b *builder) policiesPending() bool {
	return policy.Pending(b.view, b.key.Scope.Cluster) ||
		slices.ContainsFunc(b.sources, func(s source) bool { return policy.Pending(b.view, s.cluster) })
}

func (b *builder) addSource(cluster string) (found, held bool) {
	key := neg.Key(cluster, b.key.Namespace, b.key.Name, b.key.Port)
	groups, ok, held := recompute.Value[*neg.Groups](b.view, neg.UnitGroups, key)
	if !ok || held {
		return false, held
	}
	if !b.key.Imported {
		b.appProtocol, b.portName = groups.AppProtocol, groups.PortName
	}
	b.sources = append(b.sources, source{cluster, groups})
	return true, false
}

func (b *builder) result() recompute.Result {
	in := b.key.Scope
	name := b.key.ServiceName(b.view)
	collection := "services"
	if b.key.Imported {
		collection = "serviceimports"
	}
	service := &lbv1.BackendService{
		HealthCheck: name, Scheme: in.Scheme, Region: in.Region, Timeout: seconds(defaultTimeout), Target: b.key.target(),
		Backends: b.backends(), Description: owner.Describe(collection, b.key.Namespace, b.key.Name, fleet.MemberOf(b.view, in.Cluster)),
		Owner: owner.Of(b.key.Ref()),
	}
	var of configured
	var resources []*lbv1.Resource
	if b.key.Ingress {
		var problem *Problem
		if of, problem = b.configure(service); problem != nil {
			return failed(problem)
		}
	} else {
		of.check, resources = b.applyPolicies(name, service)
	}
	b.key.setSettings(b.view, service)
	of.check.Owner = service.GetOwner()
	resources = append(resources,
		&lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: service}},
		&lbv1.Resource{Name: name, Body: &lbv1.Resource_HealthCheck{HealthCheck: of.check}},
	)
	b.needWeights()
	value := Backend{Service: name, Protocol: service.GetProtocol(), Aborts: b.aborts, Notes: of.notes}
	return recompute.Result{State: recompute.Present, Value: value, Resources: resources, Good: of.good}
}

// applyPolicies makes the backend service what policies of a Gateway's backends say, and returns its health check and the
// resources that it needs beside.
func (b *builder) applyPolicies(name string, service *lbv1.BackendService) (*lbv1.HealthCheck, []*lbv1.Resource) {
	service.Protocol = protocolOf(b.appProtocol, b.key.GRPC)
	policy.SetBackend(service, policy.Backend(b.view, b.key.Target()))
	policy.SetDistribution(b.view, b.key.Target(), service)
	resources := b.secure(name, service)
	check := policy.HealthCheck(b.view, b.key.Target(), b.key.checkType(service.GetProtocol()))
	check.Description = service.GetDescription()
	return check, resources
}

// settings are what a GCPBackendPolicy says, nil for an Ingress, which knows none.
func (b *builder) settings(t policy.Target) *networkingv1.GCPBackendPolicyConfig {
	if b.key.Ingress {
		return nil
	}
	return policy.Backend(b.view, t)
}

func (b *builder) backends() []*lbv1.Backend {
	settings := b.settings(b.key.Target())
	var out []*lbv1.Backend
	for _, s := range b.sources {
		service := store.Ref{Cluster: s.cluster, Kind: kind.Service, Namespace: b.key.Namespace, Name: b.key.Name}
		var annotations map[string]string
		if object, ok := recompute.Get[*corev1.Service](b.view, service); ok {
			annotations = object.Annotations
		}
		export := b.settings(policy.Target{
			Cluster: s.cluster, Kind: policy.ServiceExport, Namespace: b.key.Namespace, Name: b.key.Name,
		})
		for _, g := range s.groups.Groups {
			backend := &lbv1.Backend{Group: g.Name}
			at := policy.Place{Cluster: g.Cluster, Region: g.Region, Zone: g.Zone}
			policy.SetCapacity(backend, at, annotations, export, settings)
			out = append(out, backend)
		}
	}
	slices.SortFunc(out, func(a, b *lbv1.Backend) int { return strings.Compare(a.GetGroup(), b.GetGroup()) })
	return out
}

func seconds(n int64) *durationpb.Duration { return &durationpb.Duration{Seconds: n} }
