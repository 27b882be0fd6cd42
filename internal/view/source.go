package view

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/store"
)

// Source answers the command line; it implements control.Source.
type Source struct {
	// Started is what does not change of Info.
	Started control.Info
	// From is the region that was chosen as home, or "".
	From  string
	Store *store.Store
	Model *Model
	// Sockets lists what the proxies listen on.
	Sockets func() []Socket
	// Verdicts lists what each location's prober thinks of the endpoints of a health check.
	Verdicts func(check string) []Verdicts
	// Output returns what is kept of a container's output from an offset on, and the offset at which more will follow.
	Output func(pod store.Ref, container string, from int64) (text []byte, next int64)
}

// Info implements control.Source.
func (s *Source) Info() control.Info {
	info := s.Started
	info.Clusters, info.ConfigCluster = clustersOf(s.Store.Snapshot())
	info.Home = s.home()
	return info
}

// home is the region that was chosen, or the config cluster's.
func (s *Source) home() string {
	if s.From != "" {
		return s.From
	}
	clusters, configCluster := clustersOf(s.Store.Snapshot())
	for _, c := range clusters {
		if c.Name == configCluster {
			return c.Region
		}
	}
	return ""
}

// Snapshot implements control.Source.
func (s *Source) Snapshot() *store.Snapshot { return s.Store.Snapshot() }

// Published implements control.Source.
func (s *Source) Published() *lbv1.Model { return s.Model.All() }

// URLs implements control.Source.
func (s *Source) URLs() []control.URL {
	return urlsOf(s.Store.Snapshot(), s.Model.Kind(kindForwardingRule), s.Sockets(), s.home())
}

// Health implements control.Source.
func (s *Source) Health(backendService string) ([]control.Endpoint, bool) {
	check := s.Model.Get(kindBackendService, backendService).GetBackendService().GetHealthCheck()
	return endpointsOf(s.Model, projectsOf(s.Store.Snapshot()), backendService, s.Verdicts(check))
}

// Logs implements control.Source.
func (s *Source) Logs(pod store.Ref, container string, from int64) control.Output {
	text, next := s.Output(pod, container, from)
	return control.Output{Text: text, Next: next}
}
