package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/wire"
)

// link is the way from the control plane to one cluster's API server. One that is cut is as silent as a network that drops
// everything: connections stay, and nothing moves.
type link struct {
	at, to netip.AddrPort

	mu   sync.Mutex
	open chan struct{} // closed while the link is whole
}

func newLink(at, to netip.AddrPort) *link {
	l := &link{at: at, to: to, open: make(chan struct{})}
	close(l.open)
	return l
}

// set cuts or heals the link.
func (l *link) set(whole bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
		if !whole {
			l.open = make(chan struct{})
		}
	default:
		if whole {
			close(l.open)
		}
	}
}

// pass waits until the link is whole; it returns false if the context ends first.
func (l *link) pass(ctx context.Context) bool {
	l.mu.Lock()
	open := l.open
	l.mu.Unlock()
	select {
	case <-open:
		return true
	case <-ctx.Done():
		return false
	}
}

// serve relays connections until the context ends.
func (l *link) serve(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.at.String())
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it was closed
			}
			go l.relay(ctx, conn)
		}
	}()
	return nil
}

func (l *link) relay(ctx context.Context, from net.Conn) {
	defer func() { _ = from.Close() }()
	if !l.pass(ctx) {
		return
	}
	to, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.to.String())
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _, _ = from.Close(), to.Close() })
	var both sync.WaitGroup
	both.Go(func() { l.copy(ctx, to, from); cancel() })
	both.Go(func() { l.copy(ctx, from, to); cancel() })
	both.Wait()
}

// chunk is how much is read before the link is looked at again, in bytes.
const chunk = 32 << 10

func (l *link) copy(ctx context.Context, to io.Writer, from io.Reader) {
	buffer := make([]byte, chunk)
	for {
		n, err := from.Read(buffer)
		if n > 0 && l.pass(ctx) {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil || ctx.Err() != nil {
			return
		}
	}
}

// links are the control plane's ways to every cluster.
type links struct {
	all map[string]*link

	mu  sync.Mutex
	cut map[[2]string]bool
}

// linkTo is where a cluster's API server is for the control plane.
func linkTo(c plan.Cluster) netip.AddrPort {
	return netip.AddrPortFrom(c.Scheduler().Addr().Next(), c.APIServer().Port())
}

func newLinks(p *plan.Plan) *links {
	l := &links{all: map[string]*link{}, cut: map[[2]string]bool{}}
	for _, c := range p.Clusters {
		l.all[c.Name] = newLink(linkTo(c), c.APIServer())
	}
	return l
}

// pair is the same for both orders.
func pair(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

// set cuts or heals what lies between two clusters, as seen from the config cluster, where the control plane is.
func (l *links) set(a, b, config string, whole bool) error {
	for _, name := range []string{a, b} {
		if l.all[name] == nil {
			return fmt.Errorf("the lab has no cluster %q", name)
		}
	}
	if a == b {
		return errors.New("a cluster cannot be cut from itself")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if whole && !l.cut[pair(a, b)] {
		return fmt.Errorf("%s and %s are not cut from each other", a, b)
	}
	if !whole && a != config && b != config {
		return fmt.Errorf("nothing goes between %s and %s: the controller is in the config cluster %s. Cut one of them from that", a, b, config)
	}
	if whole {
		delete(l.cut, pair(a, b))
	} else {
		l.cut[pair(a, b)] = true
	}
	l.apply(config)
	return nil
}

// move has the control plane be in another cluster.
func (l *links) move(config string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apply(config)
}

func (l *links) apply(config string) {
	for name, way := range l.all {
		way.set(name == config || !l.cut[pair(name, config)])
	}
}

// cutFrom lists whom a cluster is cut from.
func (l *links) cutFrom(name string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var others []string
	for p := range l.cut {
		switch name {
		case p[0]:
			others = append(others, p[1])
		case p[1]:
			others = append(others, p[0])
		}
	}
	slices.Sort(others)
	return others
}

// partition cuts two clusters from each other, or heals that.
func (s *supervisor) partition(r wire.Request) (wire.Reply, error) {
	whole := r.Op == wire.Heal
	if err := s.links.set(r.Cluster, r.Other, s.fleet.configCluster(), whole); err != nil {
		return wire.Reply{}, err
	}
	if whole {
		return wire.Reply{Text: fmt.Sprintf("%s and %s reach each other again", r.Cluster, r.Other)}, nil
	}
	return wire.Reply{Text: fmt.Sprintf("%s and %s are cut from each other: the controller does not reach the API server. "+
		"Heal it with: spillway lab partition --heal %s %s", r.Cluster, r.Other, r.Cluster, r.Other)}, nil
}
