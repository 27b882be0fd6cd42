package balance

import (
	"fmt"
	"net/netip"

	"github.com/cespare/xxhash/v2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Group is one version of a network endpoint group. It never changes, and shares unchanged shards with its predecessor.
type Group struct {
	Name, Region, Zone, Cluster string
	Shards                      []*Shard
}

// Shard is one version of an endpoint shard.
type Shard struct {
	Endpoints []Address
}

// Address is one member of a shard.
type Address struct {
	Addr          netip.AddrPort
	Instance, Pod string
	Draining      bool
}

// CompileShard parses the addresses of a shard.
func CompileShard(s *lbv1.EndpointShard) (*Shard, error) {
	out := &Shard{Endpoints: make([]Address, 0, len(s.GetEndpoints()))}
	for _, e := range s.GetEndpoints() {
		ip, err := netip.ParseAddr(e.GetAddress())
		if err != nil {
			return nil, fmt.Errorf("endpoint address %q is not an IP address", e.GetAddress())
		}
		if e.GetPort() == 0 || e.GetPort() > 65535 {
			return nil, fmt.Errorf("endpoint %s has port %d", e.GetAddress(), e.GetPort())
		}
		out.Endpoints = append(out.Endpoints, Address{
			Addr:     netip.AddrPortFrom(ip.Unmap(), uint16(e.GetPort())),
			Instance: e.GetInstance(), Pod: e.GetPod(), Draining: e.GetDraining(),
		})
	}
	return out, nil
}

// member is an endpoint in one version of a service.
type member struct {
	endpoint *Endpoint
	verdict  *verdict
	draining bool
}

// groupMembers is a group as one version of a service holds it: shards[i] belongs to group.Shards[i].
type groupMembers struct {
	group  *Group
	shards [][]member
}

func newEndpoint(g *Group, a *Address, owner *shared) *Endpoint {
	text := a.Addr.String()
	return &Endpoint{
		Addr: a.Addr, Address: text, Group: g.Name, Region: g.Region, Zone: g.Zone,
		Instance: a.Instance, Pod: a.Pod, id: xxhash.Sum64String(text), owner: owner,
	}
}
