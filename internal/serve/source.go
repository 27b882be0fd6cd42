package serve

import (
	"cmp"
	"os"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/store"
)

// source answers the command line.
type source struct {
	config    Config
	started   control.Info
	store     *store.Store
	model     *model
	planes    *planes
	announcer *announcer
	standin   *standalone.Controller
}

// Info implements control.Source.
func (s *source) Info() control.Info {
	info := s.started
	info.Clusters, info.ConfigCluster = clustersOf(s.store.Snapshot())
	info.Home = s.home()
	return info
}

// home is the region that --from chose, or the config cluster's.
func (s *source) home() string {
	if s.config.From != "" {
		return s.config.From
	}
	clusters, configCluster := clustersOf(s.store.Snapshot())
	for _, c := range clusters {
		if c.Name == configCluster {
			return c.Region
		}
	}
	return ""
}

// Snapshot implements control.Source.
func (s *source) Snapshot() *store.Snapshot { return s.store.Snapshot() }

// Model implements control.Source.
func (s *source) Model() *lbv1.Model { return s.model.all() }

// URLs implements control.Source.
func (s *source) URLs() []control.URL { return s.announcer.urls() }

// Health implements control.Source.
func (s *source) Health(backendService string) ([]control.Endpoint, bool) {
	check := s.model.get(kindBackendService, backendService).GetBackendService().GetHealthCheck()
	var all []verdicts
	for _, l := range s.planes.all() {
		all = append(all, l.verdictsOf(check))
	}
	return healthOf(s.model.all(), projectsOf(s.store.Snapshot()), backendService, all)
}

// Logs implements control.Source.
func (s *source) Logs(pod store.Ref, container string, from int64) control.Output {
	text, next := s.standin.Logs(pod, container, from)
	return control.Output{Text: text, Next: next}
}

// clustersOf lists the members by name; the config cluster is the first that is marked, or the first.
func clustersOf(snapshot *store.Snapshot) (clusters []control.Cluster, configCluster string) {
	snapshot.Walk(fleet.KindCluster, "", "", func(e *store.Entry) bool {
		object, ok := e.Object.(*spillwayv1alpha1.Cluster)
		if !ok || e.Ref.Name != e.Ref.Cluster {
			return true
		}
		c := control.Cluster{Name: e.Ref.Name, Region: object.Spec.Region, Project: projectOf(object)}
		if c.Region == "" {
			c.Region = fleet.DefaultRegion
		}
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

func startedInfo(c Config) control.Info {
	return control.Info{Version: c.Version, PID: os.Getpid(), Dir: c.Dir, Started: c.Now()}
}
