package traffic

// Flow is what one origin sends to one backend, in requests per second.
type Flow struct {
	Origin Location
	Group  string
	Rate   float64
}

// Allocate says where the demand goes, health included: what proxies with the weights of this input and these verdicts do.
func Allocate(in Input) []Flow {
	p := in.plan()
	var out []Flow
	for o := range in.Demand {
		for b := range in.Backends {
			if rate := p.rates[o][b]; rate > 0 {
				out = append(out, Flow{in.Demand[o].Origin, in.Backends[b].Group, rate})
			}
		}
	}
	return out
}

// plan is an allocation in the making.
type plan struct {
	in     *Input
	tiers  [][]tier    // of each origin
	left   []float64   // of each origin's demand
	rates  [][]float64 // by origin and backend
	placed []float64   // by backend
}

func (in *Input) plan() *plan {
	p := &plan{
		in: in, tiers: make([][]tier, len(in.Demand)), left: make([]float64, len(in.Demand)),
		rates: make([][]float64, len(in.Demand)), placed: make([]float64, len(in.Backends)),
	}
	ranks := 0
	for o, d := range in.Demand {
		p.left[o] = d.Rate
		p.tiers[o] = in.tiers(d.Origin)
		p.rates[o] = make([]float64, len(in.Backends))
		ranks = max(ranks, len(p.tiers[o]))
	}
	for rank := range ranks {
		p.offer(rank)
	}
	for o := range in.Demand {
		p.overfill(o)
	}
	return p
}

// offer lets every origin offer what it has left to its tier of that rank. A tier that gets more offers than it has room
// for takes the same share of each.
func (p *plan) offer(rank int) {
	offers := map[tierID]float64{}
	share := func(o int) float64 { return p.left[o] * p.in.keeps(&p.tiers[o][rank]) }
	for o := range p.tiers {
		if rank < len(p.tiers[o]) {
			offers[p.tiers[o][rank].id] += share(o)
		}
	}
	taken := map[tierID]float64{} // of each offer, 0..1
	for o := range p.tiers {
		if rank >= len(p.tiers[o]) {
			continue
		}
		t := &p.tiers[o][rank]
		if _, done := taken[t.id]; !done && offers[t.id] > 0 {
			taken[t.id] = min(1, p.room(t)/offers[t.id])
		}
	}
	for o := range p.tiers {
		if rank < len(p.tiers[o]) {
			t := &p.tiers[o][rank]
			rate := share(o) * taken[t.id]
			p.place(o, t.backends, rate, p.in.weight)
			p.left[o] -= rate
		}
	}
}

// room is what a tier still takes up to its targets.
func (p *plan) room(t *tier) float64 {
	room := 0.0
	for _, b := range t.backends {
		room += p.in.Backends[b].target() - p.placed[b]
	}
	return max(0, room)
}

// place splits a rate over backends by weight.
func (p *plan) place(origin int, backends []int, rate float64, weight func(*Backend) float64) bool {
	sum := 0.0
	for _, b := range backends {
		sum += weight(&p.in.Backends[b])
	}
	if sum == 0 || rate == 0 {
		return false
	}
	for _, b := range backends {
		part := rate * weight(&p.in.Backends[b]) / sum
		p.rates[origin][b] += part
		p.placed[b] += part
	}
	return true
}

// overfill spreads what exceeds all targets: in proportion to targets and health, or where no backend has capacity, to
// healthy endpoints.
func (p *plan) overfill(origin int) {
	all := make([]int, len(p.in.Backends))
	for b := range all {
		all[b] = b
	}
	healthyTarget := func(b *Backend) float64 { return b.target() * b.healthyShare() }
	healthy := func(b *Backend) float64 { return float64(b.Healthy) }
	if !p.place(origin, all, p.left[origin], healthyTarget) && !p.place(origin, all, p.left[origin], healthy) {
		return
	}
	p.left[origin] = 0
}

func (b *Backend) healthyShare() float64 {
	if b.Endpoints == 0 {
		return 0
	}
	return float64(b.Healthy) / float64(b.Endpoints)
}

// weight is a backend's part of its tier: by target, less what too few healthy endpoints shed.
func (in *Input) weight(b *Backend) float64 {
	return b.target() * min(1, b.healthyShare()/in.threshold())
}

// keeps is the share of its load that a tier keeps at its health. The rest goes to the next tier, however low the load.
func (in *Input) keeps(t *tier) float64 {
	healthy, total := 0, 0
	for _, b := range t.backends {
		healthy += in.Backends[b].Healthy
		total += in.Backends[b].Endpoints
	}
	if total == 0 {
		return 0
	}
	return min(1, float64(healthy)/float64(total)/in.threshold())
}
