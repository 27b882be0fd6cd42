package balance

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// snapshot is what Pick reads: the endpoints that may be chosen, and how likely each group is. It never changes but for
// its turn counters.
type snapshot struct {
	checkEpoch, sharedEpoch uint64
	// until is when the next ejection ends (monotonic), after which the snapshot is out of date.
	until  time.Duration
	slots  []slot
	bounds []uint32 // of the slots' shares
	// levels are the tiers that carry load, for hash policies; levelBounds are their shares.
	levels      []hashTable
	levelBounds []uint32
	// usable are all endpoints that sessions may go on with, those of tiers without load included.
	usable   []*Endpoint
	sessions sync.Once
	byID     map[uint64]*Endpoint
}

// slot is one group with a share of the load above 0.
type slot struct {
	group     string
	priority  uint32
	share     float64
	endpoints []*Endpoint
	turn      atomic.Uint32
}

// tier is the groups of one priority while a snapshot is built.
type tier struct {
	priority uint32
	groups   []tierGroup
	names    []string
	members  [][]*Endpoint
}

// lastPriority is for groups that the weights do not mention: they get requests only when nobody else can take them.
const lastPriority = math.MaxUint32

// current is the snapshot to use now. When it is out of date the first caller makes the next one, and whoever comes
// meanwhile uses the old one.
func (s *Service) current(now time.Duration) *snapshot {
	snap := s.snapshot.Load()
	if snap != nil && snap.fresh(s, now) {
		return snap
	}
	if snap == nil {
		s.building.Lock()
	} else if !s.building.TryLock() {
		return snap
	}
	defer s.building.Unlock()
	if snap = s.snapshot.Load(); snap != nil && snap.fresh(s, now) {
		return snap
	}
	snap = s.build(now)
	s.snapshot.Store(snap)
	return snap
}

func (p *snapshot) fresh(s *Service, now time.Duration) bool {
	return p.checkEpoch == s.check.currentEpoch() && p.sharedEpoch == s.shared.epoch.Load() && (p.until == 0 || now < p.until)
}

func (s *Service) build(now time.Duration) *snapshot {
	snap := &snapshot{checkEpoch: s.check.currentEpoch(), sharedEpoch: s.shared.epoch.Load()}
	tiers := s.tiers(snap, now)
	available := make([]float64, len(tiers))
	for i := range tiers {
		available[i] = tierAvailable(s.factor, tiers[i].groups)
	}
	var levelShares, shares []float64
	for i, load := range priorityLoads(available) {
		if load == 0 {
			continue
		}
		level := s.addSlots(snap, &tiers[i], load)
		levelShares = append(levelShares, load)
		for _, sl := range level {
			shares = append(shares, sl.share)
		}
		if s.hashes() {
			snap.levels = append(snap.levels, newHashTable(s.policy, level))
		}
	}
	if len(shares) > 0 {
		snap.bounds = cumulate(shares)
		snap.levelBounds = cumulate(levelShares)
	}
	return snap
}

// addSlots appends the groups of a tier that get a share, and returns them.
func (s *Service) addSlots(snap *snapshot, t *tier, load float64) []*slot {
	start := len(snap.slots)
	for i, share := range groupShares(s.factor, t.groups) {
		if share == 0 {
			continue
		}
		snap.slots = append(snap.slots, slot{
			group: t.names[i], priority: t.priority, share: load * share, endpoints: t.members[i],
		})
	}
	out := make([]*slot, 0, len(snap.slots)-start)
	for i := start; i < len(snap.slots); i++ {
		snap.slots[i].turn.Store(rand.Uint32())
		out = append(out, &snap.slots[i])
	}
	return out
}

// tiers sorts the groups by priority and counts who is healthy. Endpoints that drain, and those without a first verdict,
// count neither as healthy nor in the total, so that a rollout or a scale-up sheds no load to other tiers.
func (s *Service) tiers(snap *snapshot, now time.Duration) []tier {
	var tiers []tier
	total := int64(0)
	for i := range s.groups {
		if s.drained(i) {
			continue
		}
		g := &s.groups[i]
		var tg tierGroup
		var healthy []*Endpoint
		for _, shard := range g.shards {
			for j := range shard {
				m := &shard[j]
				if m.draining {
					continue
				}
				total++
				if !m.verdict.isKnown() {
					continue
				}
				tg.total++
				if m.verdict.isUsable() && !snap.ejected(m, now) {
					healthy = append(healthy, m.endpoint)
				}
			}
		}
		tg.healthy = len(healthy)
		snap.usable = append(snap.usable, healthy...)
		priority, weight := s.place(i, tg.total)
		tg.weight = weight
		at, found := slices.BinarySearchFunc(tiers, priority, func(t tier, p uint32) int { return cmp.Compare(t.priority, p) })
		if !found {
			tiers = slices.Insert(tiers, at, tier{priority: priority})
		}
		t := &tiers[at]
		t.groups, t.names, t.members = append(t.groups, tg), append(t.names, g.group.Name), append(t.members, healthy)
	}
	s.shared.total.Store(total)
	s.shared.usable.Store(int64(len(snap.usable)))
	return tiers
}

// ejected says whether outlier detection keeps the endpoint out, and remembers when that ends. A health check that finds
// the endpoint back ends it at once.
func (p *snapshot) ejected(m *member, now time.Duration) bool {
	e, recovered := m.endpoint, m.verdict.recovered()
	if e.Ejected(now) && recovered == e.recoveries.Load() {
		if end := time.Duration(e.ejectedUntil.Load()); p.until == 0 || end < p.until {
			p.until = end
		}
		return true
	}
	if e.Ejected(now) {
		e.ejectedUntil.Store(int64(now))
	}
	e.recoveries.Store(recovered)
	return false
}

// drained tells whether the i-th group takes nothing, as if all its endpoints drained, also when there is no other.
func (s *Service) drained(i int) bool {
	b := s.Spec.GetBackends()[i]
	return b.CapacityScaler != nil && b.GetCapacityScaler() == 0
}

// place is the priority and weight of the i-th group, which has total endpoints.
func (s *Service) place(i, total int) (priority uint32, weight float64) {
	b := s.Spec.GetBackends()[i]
	if s.weights == nil {
		return 0, float64(total)
	}
	w := s.weights[b.GetGroup()]
	if w == nil {
		return lastPriority, float64(total)
	}
	return w.GetPriority(), float64(max(1, w.GetWeight()))
}

// Share is the part of the requests that a group gets at this moment.
type Share struct {
	Group    string
	Priority uint32
	Fraction float64
}

// Shares lists the groups that get requests. now is monotonic.
func (s *Service) Shares(now time.Duration) []Share {
	snap := s.current(now)
	out := make([]Share, 0, len(snap.slots))
	for i := range snap.slots {
		sl := &snap.slots[i]
		out = append(out, Share{Group: sl.group, Priority: sl.priority, Fraction: sl.share})
	}
	return out
}

// hashes says whether the policy chooses by a hash.
func (s *Service) hashes() bool {
	return s.policy == lbv1.LocalityPolicy_MAGLEV || s.policy == lbv1.LocalityPolicy_RING_HASH
}
