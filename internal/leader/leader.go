// Package leader lets one of several replicas write at a time.
//
// In: a Lease in the config cluster, by client-go's leader election. Out: a function runs while this replica leads, with a context
// that ends as soon as it does not; it is told when whoever led before stopped. Serving needs no leader: only writes do.
//
//	l := leader.New(leader.Config{Lock: leader.Lease(config, namespace, name, identity), Say: say})
//	l.Run(ctx, outbox.Run)
//
// A replica whose function does not return does not lead again before it has. Whoever loses the Lease to the network finds out before
// another one may take it: by its own clock, which is the only one that counts.
package leader

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// The times of an election: those of Kubernetes' own controllers.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// Config is what is to be led, and how.
type Config struct {
	Lock resourcelock.Interface
	// Lease, Renew and Retry are for tests; zero values are those of Kubernetes' own controllers.
	Lease, Renew, Retry time.Duration
	Say                 func(format string, args ...any)
}

// Leader takes part in one election. Make one with New.
type Leader struct {
	config  Config
	lock    *memory
	leading prometheus.Gauge
	changes prometheus.Counter
}

// Lease is the lock of an install: a Lease of a namespace.
func Lease(config *rest.Config, namespace, name, identity string) (resourcelock.Interface, error) {
	client, err := coordinationv1.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Client: client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	}, nil
}

// New takes no part yet.
func New(c Config) *Leader {
	for of, otherwise := range map[*time.Duration]time.Duration{&c.Lease: leaseDuration, &c.Renew: renewDeadline, &c.Retry: retryPeriod} {
		if *of == 0 {
			*of = otherwise
		}
	}
	return &Leader{
		config: c, lock: &memory{Interface: c.Lock},
		leading: prometheus.NewGauge(prometheus.GaugeOpts{Name: "spillway_leader", Help: "Whether this replica writes to API servers."}),
		changes: prometheus.NewCounter(prometheus.CounterOpts{Name: "spillway_leader_changes_total", Help: "How often this replica began or ceased to lead."}),
	}
}

// Collectors are for a registry.
func (l *Leader) Collectors() []prometheus.Collector {
	return []prometheus.Collector{l.leading, l.changes}
}

// Run calls f whenever this replica leads, until the context ends. The Lease is let go then, after f has returned.
func (l *Leader) Run(ctx context.Context, f func(ctx context.Context, since time.Time)) error {
	for ctx.Err() == nil {
		if err := l.term(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// term is one candidacy: it ends when the Lease is lost, or with the context.
func (l *Leader) term(ctx context.Context, f func(context.Context, time.Time)) error {
	candidacy, resign := context.WithCancel(context.WithoutCancel(ctx))
	defer resign()
	working, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	// Who ends lets go of the Lease when the last write has ended, so that the next one finds it done.
	defer context.AfterFunc(ctx, func() {
		work.Wait()
		resign()
	})()
	var once sync.Mutex
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: l.lock, LeaseDuration: l.config.Lease, RenewDeadline: l.config.Renew, RetryPeriod: l.config.Retry, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				once.Lock()
				if working.Err() != nil {
					once.Unlock()
					return
				}
				work.Add(1)
				once.Unlock()
				defer work.Done()
				end := context.AfterFunc(leading, stop)
				defer end()
				l.began()
				f(working, l.lock.since())
			},
			OnStoppedLeading: stop,
		},
	})
	if err != nil {
		return err
	}
	elector.Run(candidacy)
	stop()
	work.Wait()
	l.ceased()
	return nil
}

func (l *Leader) began() {
	l.leading.Set(1)
	l.changes.Inc()
	l.config.Say("this replica leads: it writes to API servers")
}

func (l *Leader) ceased() {
	l.leading.Set(0)
	l.changes.Inc()
	l.config.Say("this replica does not lead: it serves, and writes nothing")
}

// memory is a lock that remembers when another replica last held it.
type memory struct {
	resourcelock.Interface

	mu   sync.Mutex
	last time.Time
}

// Get implements resourcelock.Interface.
func (m *memory) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := m.Interface.Get(ctx)
	if err == nil && record.HolderIdentity != m.Identity() {
		m.mu.Lock()
		m.last = record.RenewTime.Time
		m.mu.Unlock()
	}
	return record, raw, err
}

func (m *memory) since() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}
