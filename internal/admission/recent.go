package admission

import (
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

// recentTime is how long a Service that was let through counts without being in the store: watches are faster.
const recentTime = 5 * time.Second

// maxRecent bounds how many: anybody who reaches the webhook may ask.
const maxRecent = 1000

// recent are Services that have just been let through. Whoever applies a Service and a Deployment in one go has Pods before the store has
// heard of the Service. One that was not made after all does no harm: a gate that nobody needs opens at once.
type recent struct {
	mu       sync.Mutex
	services map[store.Ref]passed
}

type passed struct {
	service *corev1.Service
	at      time.Time
}

// add takes a Service; others are forgotten when their time is over.
func (r *recent) add(ref store.Ref, service *corev1.Service, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.services, func(_ store.Ref, p passed) bool { return now.Sub(p.at) > recentTime })
	if r.services == nil {
		r.services = map[store.Ref]passed{}
	}
	if _, again := r.services[ref]; again || len(r.services) < maxRecent {
		r.services[ref] = passed{service, now}
	}
}

// over is a snapshot with the Services of a namespace as they were let through.
func (r *recent) over(s *store.Store, cluster, namespace string, now time.Time) *store.Snapshot {
	snapshot := s.Snapshot()
	r.mu.Lock()
	var here []*corev1.Service
	for ref, p := range r.services {
		if ref.Cluster == cluster && ref.Namespace == namespace && now.Sub(p.at) <= recentTime {
			here = append(here, p.service)
		}
	}
	r.mu.Unlock()
	if len(here) == 0 {
		return snapshot
	}
	snapshot, _ = s.Candidate(snapshot, func(tx *store.Tx) {
		for _, service := range here {
			tx.Put(cluster, service, "")
		}
	})
	return snapshot
}
