package cluster

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spillway-lb/spillway/internal/store"
)

// counts are what happened with each member.
type counts struct {
	mu       sync.Mutex
	lists    map[string]map[string]uint64 // by cluster and kind
	failures map[string]uint64
}

func newCounts() *counts {
	return &counts{lists: map[string]map[string]uint64{}, failures: map[string]uint64{}}
}

func (c *counts) list(cluster, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lists[cluster] == nil {
		c.lists[cluster] = map[string]uint64{}
	}
	c.lists[cluster][kind]++
}

func (c *counts) failure(cluster string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures[cluster]++
}

func (c *counts) forget(cluster string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.lists, cluster)
	delete(c.failures, cluster)
}

var (
	objectsDesc  = desc("objects", "Objects of a cluster in the store.")
	watchesDesc  = desc("watches", "Kinds of a cluster that are watched and up to date.")
	staleDesc    = desc("stale", "1 while a cluster does not answer, and what was last known of it counts.")
	heardDesc    = desc("last_seen_timestamp_seconds", "When a cluster answered last.")
	listsDesc    = desc("lists_total", "Lists of a kind of a cluster.", "kind")
	failuresDesc = desc("request_failures_total", "Lists and watches of a cluster that failed.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("spillway_cluster_"+name, help, append([]string{"cluster"}, labels...), nil)
}

// Describe implements prometheus.Collector, as one that is not checked: clusters come and go.
func (s *Set) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *Set) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	members := make([]*watcher, 0, len(s.members))
	for _, w := range s.members {
		members = append(members, w)
	}
	s.mu.Unlock()
	snapshot := s.config.Store.Snapshot()
	kinds := snapshot.Kinds()
	for _, w := range members {
		gauge := func(d *prometheus.Desc, v float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, w.member.Name)
		}
		gauge(objectsDesc, float64(objects(snapshot, kinds, w.member.Name)))
		gauge(watchesDesc, float64(w.open()))
		stale := 0.0
		if w.health().Stale {
			stale = 1
		}
		gauge(staleDesc, stale)
		if heard := w.lastHeard(); !heard.IsZero() {
			gauge(heardDesc, float64(heard.Unix()))
		}
	}
	s.counts.collect(out)
}

func objects(snapshot *store.Snapshot, kinds []string, cluster string) (n int) {
	for _, k := range kinds {
		snapshot.Walk(k, cluster, "", func(*store.Entry) bool { n++; return true })
	}
	return n
}

func (c *counts) collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cluster, kinds := range c.lists {
		for kind, n := range kinds {
			out <- prometheus.MustNewConstMetric(listsDesc, prometheus.CounterValue, float64(n), cluster, kind)
		}
	}
	for cluster, n := range c.failures {
		out <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(n), cluster)
	}
}
