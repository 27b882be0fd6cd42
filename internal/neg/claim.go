package neg

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// tallyNames is the index of who wants a name for groups, by name. The first member has it: a generated name belongs to whom it
// was made for, one that users chose to the oldest Service that asks for it.
const tallyNames = "neg.names"

// maxClaims is how many claims of a name are looked at.
const maxClaims = 100

// claim is one Service port's wish for a name.
type claim struct {
	custom  bool
	created time.Time
	of      portOf
}

func (c claim) tally(name string) recompute.Tally {
	rank := "0"
	if c.custom {
		rank = "1" + c.created.UTC().Format(time.RFC3339)
	}
	return recompute.Tally{Index: tallyNames, Key: name, Member: unitkey.Join(rank, c.of.key())}
}

// claimants are the Service ports that want a name, who has it first.
func claimants(v *recompute.View, name string) []portOf {
	var all []portOf
	for _, member := range v.First(tallyNames, name, maxClaims) {
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
	// Name is in use, Asked the user's if another Service port has it.
	name, asked string
	tallies     []recompute.Tally
}

// nameOf decides on the name of a port's groups: the user's if there is one and nobody else has it, else the generated one.
func nameOf(v *recompute.View, of portOf, service *corev1.Service, custom string) naming {
	generated := Name(ClusterUID(v, of.cluster), of.namespace, of.service, of.port)
	if custom == "" || custom == generated {
		return naming{name: generated, tallies: []recompute.Tally{claim{of: of}.tally(generated)}}
	}
	n := naming{name: custom}
	n.tallies = []recompute.Tally{claim{true, service.CreationTimestamp.Time, of}.tally(custom)}
	if all := claimants(v, custom); len(all) > 0 && all[0] != of {
		n.name, n.asked = generated, custom
	}
	return n
}

// serviceRef is the Service of a port.
func (p portOf) serviceRef() store.Ref {
	return store.Ref{Cluster: p.cluster, Kind: kind.Service, Namespace: p.namespace, Name: p.service}
}
