package neg

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// unitOrphans is the unit kind that publishes the groups whose cluster has gone before they did. Its key is "".
	unitOrphans = "neg.orphans"
	// unitCluster makes unitOrphans exist. Its key is a Cluster's Ref.
	unitCluster = "neg.cluster"
)

// Orphans is the unit that publishes them.
func Orphans() recompute.ID { return recompute.ID{Kind: unitOrphans} }

func translateCluster(v *recompute.View, _ string) recompute.Result {
	v.Unit(unitOrphans, "")
	return recompute.Result{State: recompute.Present}
}

func translateOrphans(v *recompute.View, _ string) recompute.Result {
	result := recompute.Result{State: recompute.Present}
	for _, name := range v.Facts(fact.KindOrphan) {
		o, ok := recompute.Fact[fact.Orphan](v, fact.OrphanOf(name))
		if !ok || v.Get(store.Ref{Cluster: o.Cluster, Kind: kind.Cluster, Name: o.Cluster}) != nil {
			continue // a cluster that is back publishes its groups itself
		}
		if _, taken := holder(v, name); taken {
			continue // another cluster that says that it has the same UID has the name now
		}
		result.Resources = append(result.Resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{
			NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{
				Region: o.Region, Zone: o.Zone, Cluster: o.Cluster, DefaultPort: o.DefaultPort, Description: o.Description,
			},
		}})
	}
	return result
}
