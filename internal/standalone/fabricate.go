package standalone

import (
	"net/netip"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/standalone/kubelet"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// maxSteps bounds Fabricate; a directory settles in five or six.
const maxSteps = 100

// Fabricate makes the objects that a Controller would, without running anything: every Pod whose image is known is
// imagined to run, at the address that it would have, with every port bound as written. It is for showing what the
// load balancer of a directory would be. It returns the ports that the programs of Pods would listen on, for Pods of which
// that is known: of built-in images alone.
func Fabricate(s *store.Store, w *status.Writer, o Options, now time.Time) (ports map[store.Ref][]uint16) {
	programs := imagined{ports: map[store.Ref][]uint16{}, unknown: map[store.Ref]bool{}}
	c := newController(s, w, o, false)
	defer s.Unsubscribe(c.sub)
	c.do = func(command workload.Command) {
		r := command.Run
		if r == nil {
			c.inbox.Report(workload.Report{Pod: command.Stop.Pod, Event: workload.Stopped})
			return
		}
		programs.add(r)
		for _, event := range []workload.Event{workload.Running, workload.Listening, workload.Ready} {
			news := workload.Report{Pod: r.Pod, Container: r.Container.Name, Attempt: r.Attempt, Event: event}
			if at, ok := mappedTo(r); ok {
				news.IP, news.Ports = at.Addr(), map[uint16]uint16{0: at.Port()}
			}
			c.inbox.Report(news)
		}
	}
	for range maxSteps {
		before := s.Snapshot().Revision()
		c.step(now)
		if s.Snapshot().Revision() == before && c.inbox.Empty() {
			break
		}
	}
	return programs.ports
}

// imagined are the ports of programs that are not started.
type imagined struct {
	ports   map[store.Ref][]uint16
	unknown map[store.Ref]bool
}

func (i *imagined) add(r *workload.Run) {
	pod := store.Ref{Cluster: r.Cluster, Kind: kind.Pod, Namespace: r.Namespace, Name: r.Name}
	if r.Image == nil && !i.unknown[pod] {
		if program, err := kubelet.Program(r, nil, nil); err == nil {
			i.ports[pod] = append(i.ports[pod], program.Ports...)
			return
		}
	}
	i.unknown[pod] = true
	delete(i.ports, pod)
}

// mappedTo is the address that a container's image is mapped to. Names other than localhost are not asked for.
func mappedTo(r *workload.Run) (netip.AddrPort, bool) {
	if r.Image == nil || r.Image.Address == "" {
		return netip.AddrPort{}, false
	}
	address := r.Image.Address
	if port, local := strings.CutPrefix(address, "localhost:"); local {
		address = "127.0.0.1:" + port
	}
	at, err := netip.ParseAddrPort(address)
	return at, err == nil
}
