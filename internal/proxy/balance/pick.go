package balance

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// PickInput is what a choice depends on, and what it says besides the endpoint.
type PickInput struct {
	// Request is nil for what is no HTTP: affinity and persistence that look at it find nothing then.
	Request    *message.Request
	ClientIP   netip.Addr
	ClientPort uint16
	// Persistence is the route rule's, or nil.
	Persistence *Persistence
	// Tried are the endpoints of earlier attempts; they are avoided while there are others.
	Tried []*Endpoint
	// Chosen, if set and not tried yet, is taken instead of a choice: see Usable.
	Chosen *Endpoint
	// Now is monotonic time; Wall is seconds since 1970, for cookies.
	Now  time.Duration
	Wall int64

	// SetName and SetValue, if not empty, are a header to add to the final answer (a set-cookie, or the header of a
	// session).
	SetName, SetValue []byte
}

// Pick chooses an endpoint.
func (s *Service) Pick(in *PickInput) (*Endpoint, error) {
	snap := s.current(in.Now)
	if len(snap.slots) == 0 {
		return nil, ErrNoHealthyUpstream
	}
	if in.Chosen != nil && !slices.Contains(in.Tried, in.Chosen) {
		return in.Chosen, nil
	}
	if in.Persistence != nil && in.Request != nil {
		return s.pickSession(snap, in), nil
	}
	e := s.choose(snap, in)
	if len(in.Tried) > 0 && slices.Contains(in.Tried, e) {
		e = snap.untried(e, in.Tried)
	}
	return e, nil
}

// Usable is the endpoint at an address, if requests may be sent to it now; else nil.
func (s *Service) Usable(at netip.AddrPort, now time.Duration) *Endpoint {
	for _, e := range s.current(now).usable {
		if e.Addr == at {
			return e
		}
	}
	return nil
}

// pickSession goes on with the session of the request, or begins one.
func (s *Service) pickSession(snap *snapshot, in *PickInput) *Endpoint {
	p := in.Persistence
	old, ok := p.read(in)
	if ok && p.alive(old, in.Wall) {
		if e := snap.endpoint(old.endpoint); e != nil && !slices.Contains(in.Tried, e) {
			p.write(in, old, false)
			return e
		}
	}
	e := s.choose(snap, in)
	if slices.Contains(in.Tried, e) {
		e = snap.untried(e, in.Tried)
	}
	p.write(in, session{endpoint: e.id, started: in.Wall}, true)
	return e
}

// choose applies the locality policy.
func (s *Service) choose(snap *snapshot, in *PickInput) *Endpoint {
	if len(snap.levels) > 0 {
		hash := s.affinity.hash(in)
		level := 0
		if len(snap.levels) > 1 {
			level = search(snap.levelBounds, uint32(hash>>32))
		}
		return snap.levels[level].lookup(hash)
	}
	sl := &snap.slots[0]
	if len(snap.slots) > 1 {
		sl = &snap.slots[search(snap.bounds, s.shared.next.Add(golden))]
	}
	return sl.choose(s.policy)
}

func (sl *slot) choose(policy lbv1.LocalityPolicy) *Endpoint {
	n := uint32(len(sl.endpoints))
	if n == 1 {
		return sl.endpoints[0]
	}
	switch policy {
	case lbv1.LocalityPolicy_RANDOM:
		return sl.endpoints[rand.Uint32N(n)]
	case lbv1.LocalityPolicy_LEAST_REQUEST:
		i := rand.Uint32N(n)
		j := rand.Uint32N(n - 1)
		if j >= i {
			j++
		}
		a, b := sl.endpoints[i], sl.endpoints[j]
		if b.Active() < a.Active() {
			return b
		}
		return a
	}
	return sl.endpoints[sl.turn.Add(1)%n]
}

// untried finds another endpoint than those of earlier attempts, the rest of the load-carrying groups in order; without
// one it stays with e.
func (p *snapshot) untried(e *Endpoint, tried []*Endpoint) *Endpoint {
	for i := range p.slots {
		sl := &p.slots[i]
		n := uint32(len(sl.endpoints))
		start := sl.turn.Add(1)
		for j := range n {
			if other := sl.endpoints[(start+j)%n]; !slices.Contains(tried, other) {
				return other
			}
		}
	}
	return e
}
