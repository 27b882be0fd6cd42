package view

import (
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

// Source answers the command line; it implements control.Source.
type Source struct {
	// Started is what does not change of Info.
	Started control.Info
	// From is the region that was chosen as home, or "".
	From  string
	Store *store.Store
	// Published is the model.
	Published *Model
	// Sockets lists what the proxies listen on.
	Sockets func() []Socket
	// Locations are the names of those that have a proxy, in order.
	Locations func() []string
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

// Model implements control.Source.
func (s *Source) Model() *lbv1.Model { return s.Published.All() }

// Seq is the number of the newest transaction.
func (s *Source) Seq() uint64 { return s.Published.Seq() }

// Created is when the object was made that a resource was made for. What has no object, or one without an age, was made when
// the process began.
func (s *Source) Created(of *lbv1.Owner) time.Time {
	ref, ok := owner.Ref(of)
	if !ok {
		return s.Started.Started
	}
	e := s.Store.Snapshot().Get(ref)
	if e == nil {
		return s.Started.Started
	}
	if made := e.Object.GetCreationTimestamp().Time; !made.IsZero() {
		return made
	}
	return s.Started.Started
}

// URLs implements control.Source.
func (s *Source) URLs() []control.URL {
	return s.Published.urls(s.Store.Snapshot(), s.Sockets(), s.home())
}

// Served lists where listeners are served, Programmed or not.
func (s *Source) Served() []Served { return s.Published.served(s.Store.Snapshot(), s.Sockets()) }

// Health implements control.Source.
func (s *Source) Health(backendService string) ([]control.Endpoint, bool) {
	return endpointsOf(s.Published, s.Store.Snapshot(), backendService, s.Locations())
}

// Logs implements control.Source.
func (s *Source) Logs(pod store.Ref, container string, from int64) control.Output {
	text, next := s.Output(pod, container, from)
	return control.Output{Text: text, Next: next}
}
