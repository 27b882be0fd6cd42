package ads

import (
	"encoding/hex"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// held is a resource that a region needs.
type held struct {
	resource *lbv1.Resource
	version  string
}

// holder computes each resource's version once, however many regions need it.
type holder map[*lbv1.Resource]held

func (h holder) hold(r *lbv1.Resource) held {
	if known, ok := h[r]; ok {
		return known
	}
	v := recompute.VersionOf(r)
	h[r] = held{r, hex.EncodeToString(v[:])}
	return h[r]
}

// region is what the proxies of a region need, and the proxies. Its resources are by name on the wire.
type region struct {
	name      string
	resources map[string]held
	proxies   []*proxy
}

func newRegion(name string, first *lbv1.Transaction) *region {
	r, versions := &region{name: name, resources: map[string]held{}}, holder{}
	for _, resource := range first.GetUpserts() {
		r.resources[wire.NameOf(lbv1.KeyOf(resource))] = versions.hold(resource)
	}
	return r
}

// apply takes the region's part of the next transaction.
func (r *region) apply(tx *lbv1.Transaction, versions holder) {
	var changed []string
	for _, resource := range tx.GetUpserts() {
		name := wire.NameOf(lbv1.KeyOf(resource))
		r.resources[name] = versions.hold(resource)
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
