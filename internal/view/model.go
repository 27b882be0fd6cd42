package view

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// Kinds of resources, as lbv1.KeyOf names them.
const (
	kindForwardingRule   = "forwarding_rule"
	kindTargetProxy      = "target_proxy"
	kindRouteExtension   = "lb_route_extension"
	kindTrafficExtension = "lb_traffic_extension"
	kindURLMap           = "url_map"
	kindBackendService   = "backend_service"
	kindGroup            = "network_endpoint_group"
	kindHealthCheck      = "health_check"
)

// Model is what is published, kept up to date by transactions and indexed by what is asked for. It is safe for concurrent
// use; resources are never changed.
type Model struct {
	mu   sync.Mutex
	seq  uint64
	kind map[string]map[string]*lbv1.Resource // by kind and name
	// rules are the route rules of each URL map, shards the endpoint shards of each group: both by name.
	rules, shards map[string]map[string]*lbv1.Resource
	// referrers are the resources that refer to one; routing is the number of the newest transaction that changed one of routingKinds.
	referrers map[named]map[named]struct{}
	routing   uint64
}

// named is a resource's kind and name.
type named struct{ kind, name string }

func nameOf(k *lbv1.ResourceKey) named { return named{k.GetKind(), k.GetName()} }

// routingKinds are those that say what leads where: all but endpoints and what is known of them.
var routingKinds = []string{
	kindForwardingRule, kindTargetProxy, kindURLMap, kindRouteRule, kindBackendService, kindRouteExtension, kindTrafficExtension,
}

// NewModel has nothing yet.
func NewModel() *Model {
	return &Model{
		kind:  map[string]map[string]*lbv1.Resource{},
		rules: map[string]map[string]*lbv1.Resource{}, shards: map[string]map[string]*lbv1.Resource{},
		referrers: map[named]map[named]struct{}{},
	}
}

// Apply takes over a transaction.
func (m *Model) Apply(tx *lbv1.Transaction) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq = tx.GetSeq()
	for _, r := range tx.GetUpserts() {
		m.remove(lbv1.KeyOf(r))
		insert(m.kind, lbv1.KeyOf(r).GetKind(), r)
		m.refer(r)
		m.notice(lbv1.KeyOf(r))
		if index, key := m.indexOf(r); index != nil {
			insert(index, key, r)
		}
	}
	for _, key := range tx.GetDeletes() {
		m.remove(key)
		m.notice(key)
	}
}

// notice takes note of a change of a resource.
func (m *Model) notice(k *lbv1.ResourceKey) {
	if slices.Contains(routingKinds, k.GetKind()) {
		m.routing = m.seq
	}
}

// refer files a resource under all that it refers to. What it is a part of does not count.
func (m *Model) refer(r *lbv1.Resource) {
	user := nameOf(lbv1.KeyOf(r))
	for _, ref := range config.References(r) {
		if ref.Part {
			continue
		}
		of := named{ref.Kind, ref.Name}
		if m.referrers[of] == nil {
			m.referrers[of] = map[named]struct{}{}
		}
		m.referrers[of][user] = struct{}{}
	}
}

// unrefer is the inverse of refer.
func (m *Model) unrefer(r *lbv1.Resource) {
	user := nameOf(lbv1.KeyOf(r))
	for _, ref := range config.References(r) {
		of := named{ref.Kind, ref.Name}
		delete(m.referrers[of], user)
		if len(m.referrers[of]) == 0 {
			delete(m.referrers, of)
		}
	}
}

func (m *Model) remove(k *lbv1.ResourceKey) {
	old := m.kind[k.GetKind()][k.GetName()]
	if old == nil {
		return
	}
	drop(m.kind, k.GetKind(), k.GetName())
	m.unrefer(old)
	if index, key := m.indexOf(old); index != nil {
		drop(index, key, k.GetName())
	}
}

// indexOf is the index that files a resource, and under what; nil for most kinds.
func (m *Model) indexOf(r *lbv1.Resource) (index map[string]map[string]*lbv1.Resource, key string) {
	switch {
	case r.GetRouteRule() != nil:
		return m.rules, r.GetRouteRule().GetUrlMap()
	case r.GetEndpointShard() != nil:
		return m.shards, r.GetEndpointShard().GetGroup()
	}
	return nil, ""
}

func insert(index map[string]map[string]*lbv1.Resource, key string, r *lbv1.Resource) {
	if index[key] == nil {
		index[key] = map[string]*lbv1.Resource{}
	}
	index[key][r.GetName()] = r
}

func drop(index map[string]map[string]*lbv1.Resource, key, name string) {
	delete(index[key], name)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}

// All returns the model in order of kind and name.
func (m *Model) All() *lbv1.Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &lbv1.Model{Seq: m.seq}
	for _, kind := range slices.Sorted(maps.Keys(m.kind)) {
		out.Resources = append(out.Resources, inOrder(m.kind[kind])...)
	}
	return out
}

// Seq is the number of the newest transaction.
func (m *Model) Seq() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seq
}

// Kind returns the resources of a kind, in order of name.
func (m *Model) Kind(kind string) []*lbv1.Resource {
	m.mu.Lock()
	defer m.mu.Unlock()
	return inOrder(m.kind[kind])
}

// Get returns a resource, or nil.
func (m *Model) Get(kind, name string) *lbv1.Resource {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kind[kind][name]
}

// Routing is the number of the newest transaction that may have changed what leads where.
func (m *Model) Routing() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.routing
}

// Users are the resources that refer to one, in order of kind and name. A route rule refers to what it sends to; it is a part of its
// URL map, and no user of it.
func (m *Model) Users(kind, name string) []*lbv1.Resource {
	m.mu.Lock()
	defer m.mu.Unlock()
	users := slices.SortedFunc(maps.Keys(m.referrers[named{kind, name}]), func(a, b named) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.name, b.name))
	})
	out := make([]*lbv1.Resource, 0, len(users))
	for _, u := range users {
		out = append(out, m.kind[u.kind][u.name])
	}
	return out
}

// routeRules are those of a URL map, in order of name.
func (m *Model) routeRules(urlMap string) []*lbv1.Resource {
	m.mu.Lock()
	defer m.mu.Unlock()
	return inOrder(m.rules[urlMap])
}

// endpoints are those of a group, shard by shard.
func (m *Model) endpoints(group string) (out []*lbv1.Endpoint) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range inOrder(m.shards[group]) {
		out = append(out, r.GetEndpointShard().GetEndpoints()...)
	}
	return out
}

func inOrder(resources map[string]*lbv1.Resource) []*lbv1.Resource {
	return slices.SortedFunc(maps.Values(resources), func(a, b *lbv1.Resource) int { return strings.Compare(a.GetName(), b.GetName()) })
}
