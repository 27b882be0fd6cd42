package serve

import (
	"cmp"
	"context"
	"errors"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spillway-lb/spillway/internal/fact"
	negcontroller "github.com/spillway-lb/spillway/internal/neg/controller"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// origin is where objects come from, and what is said of them goes to.
type origin interface {
	// name is what users know it by.
	name() string
	// follow keeps the store up to date until the context ends, which is when the process is told to end.
	follow(context.Context)
	// loaded is closed when there is enough for a first round.
	loaded() <-chan struct{}
	// waiting is what that waits for, for people; "" if nobody can say.
	waiting() string
	// await returns when what a revision calls for is in the store; nil: nothing is.
	await() func(ctx context.Context, revision uint64)
	// work does what else has to be done, until the proxies have drained.
	work(context.Context)
	// end ends what runs on this machine for the objects, at the latest with the context.
	end(context.Context)
	// output is what is kept of a container's output.
	output(pod store.Ref, container string, from int64) (text []byte, next int64)
	collectors() []prometheus.Collector
}

// newOrigin is the one that the configuration asks for. It goes on where an earlier process ended.
func (s *server) newOrigin(writer *status.Writer, kept *persist.State) (origin, error) {
	if s.config.Clusters != nil {
		return newClusterOrigin(s, kept)
	}
	return newDirectoryOrigin(s, writer, kept), nil
}

// limits are those of what is said of objects.
func (s *server) limits() status.Limits {
	if s.config.Clusters == nil {
		return status.Limits{}
	}
	return status.Limits{Controllers: fact.Controllers(s.store.Snapshot())}
}

// ready says what requests cannot be served without and is not there yet.
func (s *server) ready() error {
	select {
	case <-s.origin.loaded():
	default:
		return errors.New(cmp.Or(s.origin.waiting(), "not everything has been read yet"))
	}
	if s.loop.Stuck() {
		return errors.New("rounds hang: what changes reaches no proxy")
	}
	return nil
}

// directoryOrigin is a directory of manifests, with stand-ins for what a cluster would do about them.
type directoryOrigin struct {
	*directory
	standin *standalone.Controller
}

// waiting is nothing that has a name: files are read in one go.
func (o *directoryOrigin) waiting() string { return "" }

func newDirectoryOrigin(s *server, writer *status.Writer, kept *persist.State) *directoryOrigin {
	return &directoryOrigin{
		directory: &directory{
			path: s.config.Dir, namespace: s.config.Namespace, store: s.store, report: s.report, restore: newRestorer(kept),
			problems: newProblemsGauge(), read: make(chan struct{}),
		},
		standin: standalone.New(s.store, writer, standalone.Options{
			Dir: s.config.Dir, Logger: s.config.Log, Now: s.config.Now, Gates: negcontroller.Gates,
			Healthy: func() map[netip.Addr]bool { return healthyPods(s.store.Snapshot()) },
		}),
	}
}

func (o *directoryOrigin) name() string            { return o.path }
func (o *directoryOrigin) loaded() <-chan struct{} { return o.read }

func (o *directoryOrigin) await() func(context.Context, uint64) { return o.standin.Await }

// work is the stand-ins': they fail with their context only.
func (o *directoryOrigin) work(ctx context.Context) { _ = o.standin.Run(ctx) }

// end ends the Pods.
func (o *directoryOrigin) end(ctx context.Context) { o.standin.Shutdown(ctx) }

func (o *directoryOrigin) output(pod store.Ref, container string, from int64) ([]byte, int64) {
	return o.standin.Logs(pod, container, from)
}

func (o *directoryOrigin) collectors() []prometheus.Collector {
	return []prometheus.Collector{o.problems}
}
