package client

import (
	"maps"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// kept is a resource and the version that the controller gave it; one without a resource is one that is to go.
type kept struct {
	resource *lbv1.Resource
	version  string
}

// table knows, for each resource by its name on the wire, the version that is in force, and the newer one that is not. It has no
// clock.
type table struct {
	good map[string]kept
	// waiting are of the response that is being applied, and those that were refused.
	waiting map[string]kept
	// unread are the newest versions that have no meaning here.
	unread map[string]config.Refusal
}

func newTable() *table {
	return &table{good: map[string]kept{}, waiting: map[string]kept{}, unread: map[string]config.Refusal{}}
}

// offer takes a response that is about to be applied.
func (t *table) offer(r *response) {
	for name, k := range r.resources {
		t.waiting[name] = k
		delete(t.unread, name)
	}
	for name, refusal := range r.unread {
		t.unread[name] = refusal
		delete(t.waiting, name)
	}
}

// refusals are what is not in force: what had no meaning, and what the data plane says.
func (t *table) refusals(r location.Report) []config.Refusal {
	var out []config.Refusal
	for _, name := range slices.Sorted(maps.Keys(t.unread)) {
		out = append(out, t.unread[name])
	}
	return append(out, r.Refused...)
}

// settle takes a report on everything that was offered: what is not refused is in force. It says whether anything changed.
func (t *table) settle(r location.Report) (changed bool) {
	refused := map[string]bool{}
	for _, x := range r.Refused {
		refused[x.Kind+"/"+x.Name] = true
	}
	for name, k := range t.waiting {
		if refused[name] {
			continue
		}
		delete(t.waiting, name)
		changed = true
		if k.resource == nil {
			delete(t.good, name)
		} else {
			t.good[name] = k
		}
	}
	return changed
}

// versions are what a controller is told that there is: the newest that the data plane was given. One that was refused is tried
// again and again until another takes its place, so that it is not as if the one in force were the only one. "" is no version: it is sent again.
func (t *table) versions() map[string]string {
	out := make(map[string]string, len(t.good))
	for name, k := range t.good {
		out[name] = k.version
	}
	for name, k := range t.waiting {
		out[name] = k.version
	}
	for name := range t.unread {
		out[name] = ""
	}
	return out
}

// resources are those in force, in order of name.
func (t *table) resources() []*lbv1.Resource {
	var out []*lbv1.Resource
	for _, name := range slices.Sorted(maps.Keys(t.good)) {
		out = append(out, t.good[name].resource)
	}
	return out
}

// transaction is the one that puts a response in force. What has no meaning is refused before the data plane hears of it.
func transaction(seq uint64, all map[string]kept) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: seq}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if k := all[name]; k.resource != nil {
			tx.Upserts = append(tx.Upserts, k.resource)
		} else if key, err := wire.KeyOf(name); err == nil {
			tx.Deletes = append(tx.Deletes, key)
		}
	}
	return tx
}

// refusal names a resource by its name on the wire.
func refusal(name string, err error) config.Refusal {
	key, _ := wire.KeyOf(name)
	return config.Refusal{Kind: key.GetKind(), Name: key.GetName(), Reason: err.Error()}
}
