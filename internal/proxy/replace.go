package proxy

import (
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// resourceKey is the identity of a resource.
type resourceKey struct{ kind, name string }

func keyOf(r *lbv1.Resource) resourceKey {
	k := lbv1.KeyOf(r)
	return resourceKey{k.GetKind(), k.GetName()}
}

// Replace makes a model the whole configuration, by the transaction that leads from the last model given to Replace to
// this one. A proxy that is fed by Replace must not be fed by Update.
func (p *Proxy) Replace(m *lbv1.Model) error {
	p.replacing.Lock()
	defer p.replacing.Unlock()
	tx := &lbv1.Transaction{Seq: m.GetSeq()}
	next := make(map[resourceKey]*lbv1.Resource, len(m.GetResources()))
	for _, r := range m.GetResources() {
		k := keyOf(r)
		next[k] = r
		if old, ok := p.model[k]; !ok || !proto.Equal(old, r) {
			tx.Upserts = append(tx.Upserts, r)
		}
	}
	for k := range p.model {
		if _, ok := next[k]; !ok {
			tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: k.kind, Name: k.name})
		}
	}
	root, err := p.Prepare(tx)
	if err != nil {
		return err
	}
	p.model = next
	return p.settle(root)
}
