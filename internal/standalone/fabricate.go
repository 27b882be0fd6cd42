package standalone

import (
	"time"

	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// maxSteps bounds Fabricate; a directory settles in five or six.
const maxSteps = 100

// Fabricate makes the objects that a Controller would, without running anything: every Pod whose image is known is
// imagined to run, at the address that it would have, with every port bound as written. It is for showing what the
// load balancer of a directory would be.
func Fabricate(s *store.Store, w *status.Writer, o Options, now time.Time) {
	c := newController(s, w, o, false)
	defer s.Unsubscribe(c.sub)
	c.do = func(command workload.Command) {
		r := command.Run
		if r == nil {
			c.report(workload.Report{Pod: command.Stop.Pod, Event: workload.Stopped})
			return
		}
		for _, event := range []workload.Event{workload.Running, workload.Ready} {
			c.report(workload.Report{Pod: r.Pod, Container: r.Container.Name, Attempt: r.Attempt, Event: event})
		}
	}
	for range maxSteps {
		before := s.Snapshot().Revision()
		c.step(now)
		if s.Snapshot().Revision() == before && len(c.reports) == 0 {
			return
		}
	}
}
