package controlplane

import (
	"cmp"
	"maps"
	"slices"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/store"
)

// Locations are each region of a cluster, with a zone of it, and home, which may have none: where proxies are wanted.
func Locations(snapshot *store.Snapshot, home string) []config.Location {
	byRegion := map[string]config.Location{}
	snapshot.Walk(kind.Cluster, "", "", func(e *store.Entry) bool {
		cluster, ok := e.Object.(*spillwayv1alpha1.Cluster)
		if !ok {
			return true
		}
		at := config.Location{Region: cmp.Or(cluster.Spec.Region, fleet.DefaultRegion)}
		at.Zone = at.Region + "-a"
		if len(cluster.Spec.Zones) > 0 {
			at.Zone = cluster.Spec.Zones[0]
		}
		if _, ok := byRegion[at.Region]; !ok {
			byRegion[at.Region] = at
		}
		return true
	})
	if _, ok := byRegion[home]; !ok && home != "" {
		byRegion[home] = config.Location{Region: home, Zone: home + "-a"}
	}
	return slices.SortedFunc(maps.Values(byRegion), func(a, b config.Location) int { return cmp.Compare(a.Region, b.Region) })
}

// concernsClusters says whether a cluster is among what was touched.
func concernsClusters(touched []string) bool {
	return slices.ContainsFunc(touched, func(read string) bool {
		ref, ok := store.ObjectOf(read)
		return ok && ref.Kind == kind.Cluster
	})
}
