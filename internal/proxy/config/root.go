package config

import (
	"cmp"
	"net/netip"
	"slices"

	iradix "github.com/hashicorp/go-immutable-radix/v2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/requestpath"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// Location is where a proxy runs. Both may be empty: a proxy without a region serves every address.
type Location struct {
	Region, Zone string
}

// Root is the state after one transaction. Its methods are safe for concurrent use.
type Root struct {
	at         Location
	seq        uint64
	generation uint64
	removals   uint64
	chains     extension.Provider

	// entries holds every resource under its key.
	entries *iradix.Tree[*entry]
	// uses counts the references to each key, and lists its readers: see uses.go.
	uses *iradix.Tree[int]

	proxies  *iradix.Tree[*TargetProxy]
	maps     *iradix.Tree[*urlmap.Map]
	refs     *iradix.Tree[balance.Ref]
	services slots

	changed []*balance.Service
	retired []*balance.Endpoint
	probes  []ProbeChange
	checks  []string
}

// entry is one resource and what it was compiled to: *urlmap.Rule, *balance.Shard, *balance.Group, *balance.Check, *compiledProxy, or nil.
type entry struct {
	resource *lbv1.Resource
	compiled any
}

// New is the empty state of a proxy at a location.
func New(at Location) *Root { return NewWith(at, nil) }

// NewWith is New with what makes the chains of extensions of target proxies; nil makes none.
func NewWith(at Location, chains extension.Provider) *Root {
	return &Root{
		at: at, chains: chains, entries: iradix.New[*entry](), uses: iradix.New[int](),
		proxies: iradix.New[*TargetProxy](), maps: iradix.New[*urlmap.Map](), refs: iradix.New[balance.Ref](),
	}
}

// Seq is the number of the last transaction.
func (r *Root) Seq() uint64 { return r.seq }

// Generation counts the states since New.
func (r *Root) Generation() uint64 { return r.generation }

// Removals moves when a transaction takes away, or changes, what metrics are named after: a backend service, a route rule
// or a forwarding rule.
func (r *Root) Removals() uint64 { return r.removals }

// RouteNames are the names of the routes that have rules. It looks at every rule.
func (r *Root) RouteNames() map[string]bool {
	names := map[string]bool{}
	r.entries.Root().WalkPrefix(append([]byte(kindRouteRule), 0), func(_ []byte, e *entry) bool {
		names[e.rule().GetRoute()] = true
		return false
	})
	return names
}

// Location is where the proxy runs.
func (r *Root) Location() Location { return r.at }

// TargetProxy is one version of a target proxy with its URL map.
type TargetProxy struct {
	Name string
	Spec *lbv1.TargetProxy
	// Map finds rules; DefaultService answers what they don't.
	Map               *urlmap.Map
	DefaultService    balance.Ref
	DetectMisdirected bool
	// Paths says how rules read paths; Underscores what becomes of names that have some.
	Paths       requestpath.Policy
	Underscores lbv1.RequestPolicy_Underscores
	// Chains are what stands between the phases of its exchanges; nil for none.
	Chains      *extension.Chains
	upgrades    upgrades
	validations *validations
}

// TargetProxy is nil for a name that does not exist.
func (r *Root) TargetProxy(name string) *TargetProxy {
	p, _ := r.proxies.Get([]byte(name))
	return p
}

// Faults are resources that are in force and cannot do their part, each once, in order.
func (r *Root) Faults() []Refusal {
	var out []Refusal
	r.proxies.Root().Walk(func(_ []byte, p *TargetProxy) bool {
		for _, f := range p.faults() {
			out = append(out, Refusal{Kind: f.Kind, Name: f.Name, Reason: f.Text})
		}
		return false
	})
	slices.SortFunc(out, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(out)
}

// Service resolves what a rule refers to. Every Ref found in a root is valid in it.
func (r *Root) Service(ref balance.Ref) *balance.Service { return r.services.at(ref) }

// ServiceByName is nil for a name that does not exist.
func (r *Root) ServiceByName(name string) *balance.Service {
	ref, ok := r.refs.Get([]byte(name))
	if !ok {
		return nil
	}
	return r.services.at(ref)
}

// Services calls fn for every backend service, sorted by name, until it returns false.
func (r *Root) Services(fn func(*balance.Service) bool) {
	r.refs.Root().Walk(func(_ []byte, ref balance.Ref) bool { return !fn(r.services.at(ref)) })
}

// Resource is the resource of a kind (a field name of the oneof, such as "url_map") and name; nil if there is none.
func (r *Root) Resource(kind, name string) *lbv1.Resource {
	if e := r.entry(key{kind, name}); e != nil {
		return e.resource
	}
	return nil
}

func (r *Root) entry(k key) *entry {
	e, _ := r.entries.Get(k.bytes())
	return e
}

// Certificate is nil for a name that does not exist.
func (r *Root) Certificate(name string) *lbv1.SslCertificate {
	return r.Resource(kindCertificate, name).GetSslCertificate()
}

// TrustConfig is nil for a name that does not exist.
func (r *Root) TrustConfig(name string) *lbv1.TrustConfig {
	return r.Resource(kindTrustConfig, name).GetTrustConfig()
}

// HealthCheck is nil for a name that does not exist.
func (r *Root) HealthCheck(name string) *lbv1.HealthCheck {
	return r.Resource(kindHealthCheck, name).GetHealthCheck()
}

// Retired are the endpoints that the last transaction took away: their pools end once older roots are unpinned.
func (r *Root) Retired() []*balance.Endpoint { return r.retired }

// Awaiting are the backend services that the last transaction brought or changed and that have endpoints but no verdict
// about any of them yet. One that was so before the transaction is not among them: waiting again would hold up everything
// else for endpoints that say nothing.
func (r *Root) Awaiting() []*balance.Service {
	var out []*balance.Service
	for _, s := range r.changed {
		if s.Awaiting() {
			out = append(out, s)
		}
	}
	return out
}

// SetHealth tells a verdict about every endpoint with that address that the health check covers. It holds for all roots
// of one New, and is false when there is no such endpoint.
func (r *Root) SetHealth(check string, at netip.AddrPort, state lbv1.HealthState) bool {
	e := r.entry(key{kindHealthCheck, check})
	if e == nil {
		return false
	}
	return e.compiled.(*balance.Check).Set(at, state)
}
