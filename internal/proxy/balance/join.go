package balance

import (
	"net/netip"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// joiner gives a new version of a service its endpoints: handles of the version before where they go on, else new ones.
// Only shards that changed are looked at.
type joiner struct {
	s *Service
	// sameTransport says that connections of the version before may be used on.
	sameTransport bool
	// sameCheck says that the members of unchanged shards keep their verdicts.
	sameCheck bool
	kept      map[*Endpoint]bool
	// replaced are those whose Pods stay, by other handles.
	replaced map[*Endpoint]bool
	left     []member
	joined   []*Endpoint
	known    func(netip.AddrPort) lbv1.HealthState
}

// join fills s.groups.
func join(s, old *Service, v Version) Changes {
	j := joiner{s: s, kept: map[*Endpoint]bool{}, replaced: map[*Endpoint]bool{}, known: v.Known}
	before := map[string]*groupMembers{}
	if old != nil {
		j.sameTransport = !v.NewTransport && old.Spec.GetProtocol() == v.Spec.GetProtocol() &&
			proto.Equal(old.Spec.GetTls(), v.Spec.GetTls())
		j.sameCheck = old.check == v.Check
		for i := range old.groups {
			before[old.groups[i].group.Name] = &old.groups[i]
		}
	}
	s.groups = make([]groupMembers, 0, len(v.Groups))
	for _, g := range v.Groups {
		s.groups = append(s.groups, j.group(g, before[g.Name]))
		delete(before, g.Name)
	}
	for _, g := range before {
		for _, shard := range g.shards {
			j.left = append(j.left, shard...)
		}
	}
	if old == nil {
		return Changes{Joined: j.joined}
	}
	retired := retire(old.check, j.left, j.kept)
	for _, e := range retired {
		if !j.replaced[e] {
			e.leaving.Store(true)
		}
	}
	return Changes{Joined: j.joined, Retired: retired}
}

func (j *joiner) group(g *Group, before *groupMembers) groupMembers {
	out := groupMembers{group: g, shards: make([][]member, len(g.Shards))}
	known := map[netip.AddrPort]*member{}
	samePlace := before != nil && before.group.Region == g.Region && before.group.Zone == g.Zone
	if before != nil {
		for i, shard := range before.group.Shards {
			if j.sameTransport && j.sameCheck && samePlace && i < len(g.Shards) && g.Shards[i] == shard {
				out.shards[i] = before.shards[i]
				continue
			}
			j.left = append(j.left, before.shards[i]...)
			for k := range before.shards[i] {
				known[before.shards[i][k].endpoint.Addr] = &before.shards[i][k]
			}
		}
	}
	for i, shard := range g.Shards {
		if out.shards[i] == nil {
			out.shards[i] = j.shard(g, shard, known, j.sameTransport && samePlace)
		}
	}
	return out
}

// shard makes the members of one shard. A different Pod at a known address is a new endpoint.
func (j *joiner) shard(g *Group, shard *Shard, known map[netip.AddrPort]*member, reuse bool) []member {
	members := make([]member, 0, len(shard.Endpoints))
	for i := range shard.Endpoints {
		a := &shard.Endpoints[i]
		m := member{draining: a.Draining}
		var before *verdict
		if was := known[a.Addr]; was != nil && was.endpoint.Pod == a.Pod {
			before = was.verdict
			if reuse {
				m.endpoint = was.endpoint
				j.kept[m.endpoint] = true
			} else {
				was.endpoint.leaving.Store(a.Draining)
				j.replaced[was.endpoint] = true
			}
		}
		if m.endpoint == nil {
			m.endpoint = newEndpoint(g, a, j.s.shared)
			j.joined = append(j.joined, m.endpoint)
		}
		m.endpoint.leaving.Store(a.Draining)
		m.verdict = j.s.check.acquire(a.Addr, before, j.known)
		members = append(members, m)
	}
	return members
}

// retire lets go of members of an old version, and returns the endpoints that are not kept.
func retire(check *Check, left []member, kept map[*Endpoint]bool) []*Endpoint {
	var out []*Endpoint
	for i := range left {
		e := left[i].endpoint
		check.release(e.Addr)
		if !kept[e] {
			e.retired.Store(true)
			out = append(out, e)
		}
	}
	return out
}
