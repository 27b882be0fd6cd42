package kubelet

import (
	"maps"
	"sync"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/store"
)

// Inbox keeps a kubelet's reports until a step of the core takes them, and knows the ids of the Pods that run. It is safe for
// concurrent use.
type Inbox struct {
	// News receives after something was reported.
	News <-chan struct{}

	news    chan struct{}
	mu      sync.Mutex
	reports []workload.Report
	ids     map[store.Ref]string
}

// NewInbox makes an empty one.
func NewInbox() *Inbox {
	news := make(chan struct{}, 1)
	return &Inbox{News: news, news: news, ids: map[store.Ref]string{}}
}

// Expect takes a command that is about to be carried out.
func (b *Inbox) Expect(command workload.Command) {
	if r := command.Run; r != nil {
		b.mu.Lock()
		b.ids[store.Ref{Cluster: r.Cluster, Kind: kind.Pod, Namespace: r.Namespace, Name: r.Name}] = r.Pod
		b.mu.Unlock()
	}
}

// Report takes news from the kubelet's goroutines.
func (b *Inbox) Report(r workload.Report) {
	b.mu.Lock()
	b.reports = append(b.reports, r)
	if r.Event == workload.Stopped {
		maps.DeleteFunc(b.ids, func(_ store.Ref, id string) bool { return id == r.Pod })
	}
	b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// Take returns the reports since the last call, in order.
func (b *Inbox) Take() []workload.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	reports := b.reports
	b.reports = nil
	return reports
}

// Empty says that there is nothing to take.
func (b *Inbox) Empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.reports) == 0
}

// ID is that of a Pod that runs, or "".
func (b *Inbox) ID(pod store.Ref) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids[pod]
}
