package ads

import (
	"encoding/hex"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/health"
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
	// proxies are in the order in which they came: the first one's verdicts count.
	proxies []*proxy
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

// verdictChange is what is thought of an endpoint now.
type verdictChange struct {
	health.Verdict
	gone bool
}

// leave removes a proxy, and returns what has changed of the region's verdicts.
func (r *region) leave(p *proxy) []verdictChange {
	first := len(r.proxies) > 0 && r.proxies[0] == p
	for i, other := range r.proxies {
		if other == p {
			r.proxies = append(r.proxies[:i:i], r.proxies[i+1:]...)
			break
		}
	}
	if !first || len(r.proxies) == 0 {
		return nil
	}
	return difference(p.verdicts, r.proxies[0].verdicts)
}

// difference is how verdicts come from those of one prober to those of another.
func difference(before, after map[wire.Probe]health.Verdict) []verdictChange {
	var out []verdictChange
	for at, v := range before {
		if _, still := after[at]; !still {
			out = append(out, verdictChange{v, true})
		}
	}
	for at, v := range after {
		if before[at] != v {
			out = append(out, verdictChange{v, false})
		}
	}
	return out
}
