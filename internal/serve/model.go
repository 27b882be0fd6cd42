package serve

import (
	"maps"
	"slices"
	"sync"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Kinds of resources, as lbv1.KeyOf names them.
const (
	kindForwardingRule = "forwarding_rule"
	kindTargetProxy    = "target_proxy"
	kindBackendService = "backend_service"
)

// model is what is published, kept up to date by transactions. It is safe for concurrent use.
type model struct {
	mu        sync.Mutex
	seq       uint64
	resources map[string]*lbv1.Resource
	// rules are the forwarding rules by name: they are few, and asked for after every transaction.
	rules map[string]*lbv1.Resource
}

func newModel() *model {
	return &model{resources: map[string]*lbv1.Resource{}, rules: map[string]*lbv1.Resource{}}
}

func (m *model) apply(tx *lbv1.Transaction) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq = tx.GetSeq()
	for _, r := range tx.GetUpserts() {
		m.resources[resourceKey(lbv1.KeyOf(r))] = r
		if r.GetForwardingRule() != nil {
			m.rules[r.GetName()] = r
		}
	}
	for _, key := range tx.GetDeletes() {
		delete(m.resources, resourceKey(key))
		if key.GetKind() == kindForwardingRule {
			delete(m.rules, key.GetName())
		}
	}
}

func resourceKey(k *lbv1.ResourceKey) string { return k.GetKind() + "\x00" + k.GetName() }

// all returns the model in order of kind and name.
func (m *model) all() *lbv1.Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &lbv1.Model{Seq: m.seq, Resources: make([]*lbv1.Resource, 0, len(m.resources))}
	for _, key := range slices.Sorted(maps.Keys(m.resources)) {
		out.Resources = append(out.Resources, m.resources[key])
	}
	return out
}

// number is that of the newest transaction.
func (m *model) number() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seq
}

// forwardingRules returns the published ones, in order of name.
func (m *model) forwardingRules() []*lbv1.Resource {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*lbv1.Resource, 0, len(m.rules))
	for _, name := range slices.Sorted(maps.Keys(m.rules)) {
		out = append(out, m.rules[name])
	}
	return out
}

// get returns a resource, or nil.
func (m *model) get(kind, name string) *lbv1.Resource {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.resources[kind+"\x00"+name]
}
