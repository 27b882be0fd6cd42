package extension

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/refgrant"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
)

// upstreams are what a GCPWasmPlugin may call. They are today's, whichever version runs: a permission that is gone is gone.
type upstreams struct {
	List     []*lbv1.PluginUpstream
	Problems []problem
	Calls    []backend.Key
}

// Equal compares values.
func (u *upstreams) Equal(other any) bool {
	o, ok := other.(*upstreams)
	return ok && slices.Equal(u.Problems, o.Problems) && slices.Equal(u.Calls, o.Calls) &&
		slices.EqualFunc(u.List, o.List, func(a, b *lbv1.PluginUpstream) bool { return proto.Equal(a, b) })
}

// scopeOf is where a plugin's backend services are: plugins are global, and so is what they call.
func scopeOf(plugin store.Ref) scope.Scope {
	return scope.Scope{Cluster: plugin.Cluster, Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED}
}

// translateUpstreams makes the backend services exist that a plugin calls, as long as a Gateway uses it.
func translateUpstreams(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	o, ok := recompute.Get[*networkingv1.GCPWasmPlugin](v, ref)
	users := v.First(tallyPlugins, key, maxAncestors)
	if !ok || len(users) == 0 {
		return recompute.Result{}
	}
	f := upstreamFinder{view: v, ref: ref}
	for i := range o.Spec.Upstreams {
		f.add(i, &o.Spec.Upstreams[i])
	}
	return recompute.Result{State: recompute.Present, Value: &f.found, Tallies: f.tallies(users)}
}

// upstreamFinder follows the references of one plugin.
type upstreamFinder struct {
	view     *recompute.View
	ref      store.Ref
	found    upstreams
	services []string
	targets  []policy.Target
}

func (u *upstreamFinder) add(i int, spec *networkingv1.WasmPluginUpstream) {
	out := &lbv1.PluginUpstream{Name: spec.Name}
	key, p := u.follow(&spec.BackendRef)
	if p == nil {
		out.BackendService, p = u.backend(key, spec.BackendRef.Kind)
	}
	if p != nil {
		p.Message = fmt.Sprintf("spec.upstreams[%d]: %s", i, p.Message)
		u.found.Problems = append(u.found.Problems, *p)
		out.Fault = p.Message
	}
	u.found.List = append(u.found.List, out)
}

// follow is what a reference means, if it may mean that.
func (u *upstreamFinder) follow(r *networkingv1.WasmPluginBackendRef) (backend.Key, *problem) {
	key := backend.Key{Scope: scopeOf(u.ref), Imported: r.Kind == kindImport, Namespace: u.ref.Namespace, Name: r.Name, Port: r.Port}
	if r.Namespace != nil {
		key.Namespace = *r.Namespace
	}
	name, group := kind.Split(kind.GCPWasmPlugin)
	from := refgrant.From{Group: group, Kind: name, Namespace: u.ref.Namespace}
	switch refgrant.Of(u.view, u.ref.Cluster, from, refgrant.To{Group: r.Group, Kind: r.Kind, Namespace: key.Namespace, Name: key.Name}) {
	case refgrant.Pending:
		return key, &problem{Reason: reasonWaiting, Message: fmt.Sprintf(
			"%s %s/%s is in another namespace, whose ReferenceGrants are not known yet", r.Kind, key.Namespace, key.Name)}
	case refgrant.Forbidden:
		return key, &problem{Reason: reasonRefNotPermitted, Message: fmt.Sprintf(
			"%s %s/%s is in another namespace and no ReferenceGrant there allows the reference", r.Kind, key.Namespace, key.Name)}
	}
	return key, nil
}

// backend makes a backend service exist, or says why there is none.
func (u *upstreamFinder) backend(key backend.Key, of string) (service string, p *problem) {
	u.targets = append(u.targets, key.Target())
	switch b := backend.Of(u.view, key); {
	case b.Problem != nil && b.Problem.Reason == backend.Unknown:
		u.view.Hold()
		return "", &problem{Reason: reasonWaiting, Message: b.Problem.Message}
	case b.Problem != nil && b.Problem.Reason == backend.NotFound:
		return "", &problem{Reason: reasonServiceNotFound, Message: b.Problem.Message}
	case b.Problem != nil:
		return "", &problem{Reason: reasonInvalidService, Message: b.Problem.Message}
	case b.Aborts != "":
		return "", &problem{Reason: reasonInvalidService, Message: fmt.Sprintf("the BackendTLSPolicy of %s %q cannot be obeyed: %s", of, key.Namespace+"/"+key.Name, b.Aborts)}
	default:
		service = b.Service
	}
	if setting := policy.NotForCallouts(u.view, key.Target()); setting != "" {
		return "", &problem{Reason: reasonInvalidService, Message: fmt.Sprintf(
			"%s %s/%s has a GCPBackendPolicy with %s, which does not hold for the calls of a plugin", of, key.Namespace, key.Name, setting)}
	}
	if !slices.Contains(u.found.Calls, key) {
		u.found.Calls = append(u.found.Calls, key)
		u.services = append(u.services, service)
	}
	return service, nil
}

// judgeUpstreams adds what is wrong with the upstreams to what is said of the plugin on a Gateway.
func (a *verdict) judgeUpstreams(v *recompute.View, u *upstreams, more ...problem) {
	problems := append(more, u.Problems...)
	for _, key := range u.Calls {
		if p := silence(v, key); p != nil {
			problems = append(problems, *p)
		}
		a.follow(v, key.Ref())
	}
	a.accepted, a.references = sum(problems, againstAccepted), sum(problems, againstReferences)
	a.waiting = sum(problems, againstProgrammed)
}

// tallies has the Gateways of the plugin name its backend services, and policies know the Gateways that obey them.
func (u *upstreamFinder) tallies(gateways []string) []recompute.Tally {
	var out []recompute.Tally
	for _, gw := range gateways {
		for _, s := range u.services {
			out = append(out, recompute.Tally{Index: gateway.TallyBackends, Key: gw, Member: s})
		}
		ref, _ := store.ParseRef(gw)
		for _, t := range u.targets {
			out = append(out, policy.AncestorTallies(t, ref, gateway.ControllerOf(u.view, ref))...)
		}
	}
	slices.SortFunc(out, compareTallies)
	return slices.Compact(out)
}
