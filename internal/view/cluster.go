package view

import (
	"cmp"
	"strconv"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/store"
)

// clustersOf lists the members by name; the config cluster is the first that is marked, or the first.
func clustersOf(snapshot *store.Snapshot) (clusters []control.Cluster, configCluster string) {
	snapshot.Walk(kind.Cluster, "", "", func(e *store.Entry) bool {
		object, ok := e.Object.(*spillwayv1alpha1.Cluster)
		if !ok || e.Ref.Name != e.Ref.Cluster {
			return true
		}
		c := control.Cluster{Name: e.Ref.Name, Region: cmp.Or(object.Spec.Region, fleet.DefaultRegion), Project: projectOf(object)}
		clusters = append(clusters, c)
		if object.Spec.ConfigCluster && configCluster == "" {
			configCluster = c.Name
		}
		return true
	})
	if configCluster == "" && len(clusters) > 0 {
		configCluster = clusters[0].Name
	}
	return clusters, configCluster
}

// projectOf is the id of the project that a cluster belongs to.
func projectOf(cluster *spillwayv1alpha1.Cluster) string {
	return cmp.Or(cluster.Spec.Project.ID, standalone.DefaultProject)
}

// projectsOf are the project ids of clusters.
func projectsOf(snapshot *store.Snapshot) map[string]string {
	projects := map[string]string{}
	snapshot.Walk(kind.Cluster, "", "", func(e *store.Entry) bool {
		if cluster, ok := e.Object.(*spillwayv1alpha1.Cluster); ok {
			projects[e.Ref.Cluster] = projectOf(cluster)
		}
		return true
	})
	return projects
}

// Project is the project of the config cluster, which access logs name: id and number.
func Project(snapshot *store.Snapshot) (id, number string) {
	_, name := clustersOf(snapshot)
	e := snapshot.Get(store.Ref{Cluster: name, Kind: kind.Cluster, Name: name})
	if e == nil {
		return standalone.DefaultProject, ""
	}
	cluster, ok := e.Object.(*spillwayv1alpha1.Cluster)
	if !ok {
		return standalone.DefaultProject, ""
	}
	if n := cluster.Spec.Project.Number; n != 0 {
		number = strconv.FormatInt(n, 10)
	}
	return projectOf(cluster), number
}
