package neg

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const (
	// tallyNames is the index of who wants a name for groups, by name; tallyPlaces that of who wants it in a zone, by the group's
	// ZONE/NEG. The first member of a place has it: a generated name goes before one that users chose, and then the older Service.
	tallyNames  = "neg.names"
	tallyPlaces = "neg.places"
	// tallyUIDs is the index of clusters by what they say is their UID.
	tallyUIDs = "neg.uids"
)

// maxClaims is how many claims of a name are looked at.
const maxClaims = 100

// claim is one Service port's wish for a name.
type claim struct {
	custom  bool
	created time.Time
	of      portOf
}

// tallies are the claim's: one for the name, and one for each zone that it wants it in.
func (c claim) tallies(name string, zones []string) []recompute.Tally {
	rank := "0"
	if c.custom {
		rank = "1"
	}
	member := unitkey.Join(rank+c.created.UTC().Format(time.RFC3339), c.of.key())
	all := []recompute.Tally{{Index: tallyNames, Key: name, Member: member}}
	for _, zone := range zones {
		all = append(all, recompute.Tally{Index: tallyPlaces, Key: names.Group(zone, name), Member: member})
	}
	return all
}

// claimants are the Service ports that want a name, wherever they are.
func claimants(v *recompute.View, name string) []portOf {
	return portsIn(v.First(tallyNames, name, maxClaims))
}

// holder is the Service port that has a name in a zone; ok is false if nobody wants it.
func holder(v *recompute.View, group string) (of portOf, ok bool) {
	first := portsIn(v.First(tallyPlaces, group, 1))
	if len(first) == 0 {
		return portOf{}, false
	}
	return first[0], true
}

func portsIn(members []string) (all []portOf) {
	for _, member := range members {
		part, ok := unitkey.Split(member, 2)
		if !ok {
			continue
		}
		if of, ok := parseKey(part[1]); ok {
			all = append(all, of)
		}
	}
	return all
}

// naming is how the groups of a Service port are called.
type naming struct {
	// name is in use; asked the one that is wanted if another Service port has it, which holder names.
	name, asked, holder string
	tallies             []recompute.Tally
}

// candidate is a name that a Service port may have.
type candidate struct {
	name   string
	custom bool
	// sole: nobody can have it before the port does.
	sole bool
}

// candidates are the names of a Service port, the best one first: the user's, the generated one, and one that no other cluster has,
// for clusters that say that they have the same UID.
func candidates(v *recompute.View, of portOf, custom string) []candidate {
	uid := ClusterUID(v, of.cluster)
	generated := Name(uid, of.namespace, of.service, of.port)
	own := Name(digest.Hex("cluster "+of.cluster, uidLength), of.namespace, of.service, of.port)
	all := []candidate{{name: generated, sole: v.Count(tallyUIDs, uid) < 2}, {name: own, sole: true}}
	if custom == "" || custom == generated {
		return all
	}
	return append([]candidate{{name: custom, custom: true}}, all...)
}

// nameOf decides on the name of a port's groups: the first that nobody else has in any of the zones where it wants groups. A name
// that it does not get it goes on asking for, and has it when the other one lets go. zones are those of its Nodes and endpoints.
func nameOf(v *recompute.View, of portOf, service *corev1.Service, custom string, zones []string) naming {
	n := naming{}
	for _, c := range candidates(v, of, custom) {
		wanted := union(zones, zonesBefore(v, svcnegRef(of, c.name)))
		n.name = c.name
		n.tallies = append(n.tallies, claim{c.custom, service.CreationTimestamp.Time, of}.tallies(c.name, wanted)...)
		if c.sole {
			break
		}
		other, taken := takenBy(v, of, c.name, wanted)
		if !taken {
			break
		}
		if n.asked == "" {
			n.asked, n.holder = c.name, other.String()
		}
	}
	return n
}

// takenBy is another Service port that has a name in one of the zones.
func takenBy(v *recompute.View, of portOf, name string, zones []string) (other portOf, taken bool) {
	for _, zone := range zones {
		if other, ok := holder(v, names.Group(zone, name)); ok && other != of {
			return other, true
		}
	}
	return portOf{}, false
}

func union(a, b []string) []string {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	return slices.Compact(all)
}

// serviceRef is the Service of a port.
func (p portOf) serviceRef() store.Ref {
	return store.Ref{Cluster: p.cluster, Kind: kind.Service, Namespace: p.namespace, Name: p.service}
}

// String is for people.
func (p portOf) String() string {
	return fmt.Sprintf("Service %s/%s port %d of cluster %s", p.namespace, p.service, p.port, p.cluster)
}
