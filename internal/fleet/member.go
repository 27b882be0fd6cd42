package fleet

import (
	"slices"
	"strconv"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// UnitMembers is the unit kind of the fleet. Its only key is "", its value a *Fleet.
const UnitMembers = "fleet"

// Parts of the fleet, so that a reader of one is not woken by the others.
const (
	unitMember        = "fleet.member"        // key: a cluster; value its Member
	unitRegions       = "fleet.regions"       // key ""; value the regions, in order of the first member of each
	unitConfigCluster = "fleet.configcluster" // key ""; value its name
)

// MemberOf is a cluster as a member of the fleet; of one that is none, just its name.
func MemberOf(v *recompute.View, cluster string) Member {
	m, ok, _ := recompute.Value[Member](v, unitMember, cluster)
	if !ok {
		return Member{Name: cluster}
	}
	return m
}

// Regions are the regions with members, each once.
func Regions(v *recompute.View) []string {
	regions, _, _ := recompute.Value[[]string](v, unitRegions, "")
	return regions
}

// ConfigCluster is the member whose multi-cluster Gateways count; held tells that it is not known now.
func ConfigCluster(v *recompute.View) (cluster string, held bool) {
	cluster, _, held = recompute.Value[string](v, unitConfigCluster, "")
	return cluster, held
}

// DefaultProject is the project of clusters that name none.
const DefaultProject = "spillway"

// DefaultRegion is where a cluster is that does not say.
const DefaultRegion = "us-west1"

// Fleet is every member and the one whose multi-cluster Gateways count.
type Fleet struct {
	// Members are sorted by name.
	Members []Member
	// ConfigCluster is a member's name, "" in an empty fleet.
	ConfigCluster string
}

// Member is one cluster of the fleet.
type Member struct {
	Name   string
	Region string
	// Zones is never empty.
	Zones []string
	// ProjectID and ProjectNumber are what names and paths show.
	ProjectID     string
	ProjectNumber string
}

// Member returns the member of that name.
func (f *Fleet) Member(name string) (Member, bool) {
	i, ok := slices.BinarySearchFunc(f.Members, name, func(m Member, name string) int {
		switch {
		case m.Name < name:
			return -1
		case m.Name > name:
			return 1
		}
		return 0
	})
	if !ok {
		return Member{}, false
	}
	return f.Members[i], true
}

func translateMembers(v *recompute.View, _ string) recompute.Result {
	if fact.Pending(v, "", kind.Cluster) {
		return recompute.Result{State: recompute.Held}
	}
	fleet := &Fleet{}
	for _, ref := range v.List(kind.Cluster, "", "") {
		cluster, ok := recompute.Get[*spillwayv1alpha1.Cluster](v, ref)
		if !ok || ref.Name != ref.Cluster {
			continue
		}
		fleet.Members = append(fleet.Members, memberOf(cluster))
		// Two that claim it is reported where the files are read; here the first by name is it.
		if cluster.Spec.ConfigCluster && fleet.ConfigCluster == "" {
			fleet.ConfigCluster = cluster.Name
		}
	}
	if fleet.ConfigCluster == "" && len(fleet.Members) > 0 {
		fleet.ConfigCluster = fleet.Members[0].Name
	}
	return recompute.Result{State: recompute.Present, Value: fleet}
}

func memberOf(cluster *spillwayv1alpha1.Cluster) Member {
	m := Member{
		Name: cluster.Name, Region: cluster.Spec.Region, Zones: cluster.Spec.Zones,
		ProjectID: cluster.Spec.Project.ID, ProjectNumber: "0",
	}
	if m.Region == "" {
		m.Region = DefaultRegion
	}
	if len(m.Zones) == 0 {
		m.Zones = []string{m.Region + "-a"}
	}
	if n := cluster.Spec.Project.Number; n != 0 {
		m.ProjectNumber = strconv.FormatInt(n, 10)
	}
	return m
}

func translateMember(v *recompute.View, cluster string) recompute.Result {
	return partOf(v, func(f *Fleet) any {
		if m, ok := f.Member(cluster); ok {
			return m
		}
		return nil
	})
}

func translateRegions(v *recompute.View, _ string) recompute.Result {
	return partOf(v, func(f *Fleet) any {
		var regions []string
		for _, m := range f.Members {
			if !slices.Contains(regions, m.Region) {
				regions = append(regions, m.Region)
			}
		}
		return regions
	})
}

func translateConfigCluster(v *recompute.View, _ string) recompute.Result {
	return partOf(v, func(f *Fleet) any { return f.ConfigCluster })
}

// partOf is a part of the fleet as a value of its own; nil is none.
func partOf(v *recompute.View, part func(*Fleet) any) recompute.Result {
	f, ok, held := recompute.Value[*Fleet](v, UnitMembers, "")
	switch {
	case held:
		return recompute.Result{State: recompute.Held}
	case !ok:
		return recompute.Result{State: recompute.Absent}
	}
	value := part(f)
	if value == nil {
		return recompute.Result{State: recompute.Absent}
	}
	return recompute.Result{State: recompute.Present, Value: value}
}
