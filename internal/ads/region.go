package ads

import (
	"encoding/hex"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// held is a resource as it goes on the wire.
type held struct {
	bytes   []byte
	version string
}

// holder makes each resource's bytes, and its name on the wire, once for all proxies of all regions.
type holder map[resourceKey]made

type resourceKey struct{ kind, name string }

type made struct {
	of   *lbv1.Resource
	name string
	*held
}

func keyOf(k *lbv1.ResourceKey) resourceKey { return resourceKey{k.GetKind(), k.GetName()} }

func (h holder) hold(r *lbv1.Resource) (name string, _ *held) {
	k := lbv1.KeyOf(r)
	known := h[keyOf(k)]
	if known.of != r {
		b, v := recompute.Encode(r)
		known = made{r, wire.NameOf(k), &held{b, hex.EncodeToString(v[:])}}
		h[keyOf(k)] = known
	}
	return known.name, known.held
}

// apply drops what a transaction deletes, and what nobody may need of what it replaces.
func (h holder) apply(tx *lbv1.Transaction) {
	for _, r := range tx.GetUpserts() {
		delete(h, keyOf(lbv1.KeyOf(r)))
	}
	for _, key := range tx.GetDeletes() {
		delete(h, keyOf(key))
	}
}

// region is what the proxies of a region need, and the proxies. Its resources are by name on the wire.
type region struct {
	name      string
	resources map[string]*held
	proxies   []*proxy
}

func newRegion(name string, first *lbv1.Transaction, all holder) *region {
	r := &region{name: name, resources: map[string]*held{}}
	for _, resource := range first.GetUpserts() {
		name, h := all.hold(resource)
		r.resources[name] = h
	}
	return r
}

// apply takes the region's part of the next transaction.
func (r *region) apply(tx *lbv1.Transaction, all holder) {
	var changed []string
	for _, resource := range tx.GetUpserts() {
		name, h := all.hold(resource)
		r.resources[name] = h
		changed = append(changed, name)
	}
	for _, key := range tx.GetDeletes() {
		name := wire.NameOf(key)
		delete(r.resources, name)
		changed = append(changed, name)
	}
	for _, p := range r.proxies {
		p.owe(changed)
	}
}

// leave removes a proxy.
func (r *region) leave(p *proxy) {
	r.proxies = slices.DeleteFunc(r.proxies, func(other *proxy) bool { return other == p })
}
