package traffic

import (
	"math"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

const (
	// fullWeight is a share of 1.
	fullWeight = 10000
	// probe is the demand, in requests per second, of a location that reports none: it fits into any room.
	probe = 1e-6
)

// Weights is the split of a backend service as seen from a location, health left out. Groups that carry a share have
// priority 0; the others stand by, nearest first. Groups without capacity are not in it: a proxy uses them last of all.
func Weights(service string, from Location, in Input) *lbv1.Weights {
	in.Backends = slices.Clone(in.Backends)
	empty := make([]bool, len(in.Backends))
	for i := range in.Backends {
		b := &in.Backends[i]
		// An empty group counts as one endpoint where it gets a place, so that it has one when endpoints come.
		empty[i] = b.Endpoints == 0
		b.Healthy = b.Endpoints
	}
	origin := slices.IndexFunc(in.Demand, func(d Demand) bool { return d.Origin == from })
	in.Demand = slices.Clone(in.Demand)
	if origin < 0 {
		origin = len(in.Demand)
		in.Demand = append(in.Demand, Demand{Origin: from})
	}
	in.Demand[origin].Rate = max(in.Demand[origin].Rate, probe)
	p := in.plan()
	out := &lbv1.Weights{BackendService: service, Location: from.Name()}
	priority := uint32(1)
	for _, t := range p.tiers[origin] {
		standby := false
		for _, b := range t.backends {
			w := &lbv1.GroupWeight{Group: in.Backends[b].Group}
			share := p.share(origin, b)
			switch {
			case share > 0:
				w.Weight = asWeight(share)
			case empty[b] && p.carries(origin, t):
				w.Weight = asWeight(p.perEndpoint(origin, t))
			default:
				w.Priority, standby = priority, true
				w.Weight = asWeight(in.standbyShare(t, b))
			}
			out.Groups = append(out.Groups, w)
		}
		if standby {
			priority++
		}
	}
	return out
}

func asWeight(share float64) uint32 {
	return uint32(min(fullWeight, max(1, math.Round(share*fullWeight))))
}

// share is the part of an origin's requests that a backend gets. What would round to no weight is none: it is left over
// from arithmetic.
func (p *plan) share(origin, backend int) float64 {
	share := p.rates[origin][backend] / p.in.Demand[origin].Rate
	if share*fullWeight < 0.5 {
		return 0
	}
	return share
}

// carries says whether a tier gets some of an origin's requests.
func (p *plan) carries(origin int, t tier) bool {
	return slices.ContainsFunc(t.backends, func(b int) bool { return p.share(origin, b) > 0 })
}

// perEndpoint is the share of an average endpoint of a tier.
func (p *plan) perEndpoint(origin int, t tier) float64 {
	share, endpoints := 0.0, 0
	for _, b := range t.backends {
		share += p.share(origin, b)
		endpoints += p.in.Backends[b].Endpoints
	}
	return share / float64(max(1, endpoints))
}

// standbyShare is a backend's part of its tier, were it in use. An empty group counts as one endpoint.
func (in *Input) standbyShare(t tier, backend int) float64 {
	capacity := func(i int) float64 {
		b := &in.Backends[i]
		return float64(max(1, b.Endpoints)) * b.rate() * b.Scaler
	}
	sum := 0.0
	for _, b := range t.backends {
		sum += capacity(b)
	}
	return capacity(backend) / sum
}
