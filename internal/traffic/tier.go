package traffic

import (
	"cmp"
	"slices"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// tier is a set of backends that are filled together.
type tier struct {
	id       tierID
	distance time.Duration
	backends []int // indexes in Input.Backends
}

type tierID struct {
	preferred    bool
	region, zone string // zone only where the algorithm tells zones apart
}

// tiers are the backends in the order in which a location fills them: preferred ones by distance, then the others by
// distance of the region and, with WATERFALL_BY_ZONE, of the zone. Backends without a capacity scaler above 0 are in none.
func (in *Input) tiers(from Location) []tier {
	var out []tier
	for i := range in.Backends {
		b := &in.Backends[i]
		if b.Scaler <= 0 || b.Drained {
			continue
		}
		id := tierID{preferred: b.Preferred, region: b.Region}
		if in.Algorithm == lbv1.ServiceLbAlgorithm_WATERFALL_BY_ZONE && !b.Preferred {
			id.zone = b.Zone
		}
		at := slices.IndexFunc(out, func(t tier) bool { return t.id == id })
		if at < 0 {
			at = len(out)
			out = append(out, tier{id: id, distance: in.distance(from, id)})
		}
		out[at].backends = append(out[at].backends, i)
	}
	slices.SortStableFunc(out, func(a, b tier) int {
		if a.id.preferred != b.id.preferred {
			if a.id.preferred {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(a.distance, b.distance),
			cmp.Compare(a.id.region, b.id.region), cmp.Compare(a.id.zone, b.id.zone),
		)
	})
	return out
}

// zoneHop is the round-trip time between zones of a region, in the order of tiers.
const zoneHop = time.Millisecond

func (in *Input) distance(from Location, id tierID) time.Duration {
	d := in.RTT.Between(from.Region, id.region)
	if id.zone != "" && id.zone != from.Zone {
		d += zoneHop
	}
	return d
}
