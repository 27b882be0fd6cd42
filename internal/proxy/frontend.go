package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/listener"
)

var errEnded = errors.New("proxy: ended")

// Bound tells where a frontend listens.
type Bound struct {
	// Frontend is the forwarding rule's name.
	Frontend, Region string
	// Requested is as the user wrote it, Actual what works: they differ where the port could not be bound. With Config.BindAddress both
	// have the forwarding rule's address, and the network leads that to the socket.
	Requested, Actual netip.AddrPort
	TLS               bool
	// Err is why nothing is bound; Why is, if it is known, why Actual is not Requested.
	Err, Why error
}

// Elsewhere says that another end took the place of the requested one.
func (b Bound) Elsewhere() bool {
	return b.Err == nil && b.Requested.Port() != 0 && b.Actual != b.Requested
}

func (b Bound) String() string {
	switch {
	case b.Err != nil:
		return fmt.Sprintf("%s %s: %v", b.Frontend, b.Requested, b.Err)
	case b.Requested != b.Actual:
		return fmt.Sprintf("%s %s, bound as %s", b.Frontend, b.Requested, b.Actual)
	}
	return fmt.Sprintf("%s %s", b.Frontend, b.Actual)
}

// Bound lists the frontends, sorted by name and address.
func (p *Proxy) Bound() []Bound {
	if b := p.bound.Load(); b != nil {
		return *b
	}
	return nil
}

// frontend is one listening address.
type frontend struct {
	spec     config.Frontend
	listener *listener.Listener
	handler  handler
	stayed   handler // of connections that were made before the frontend moved to its own port, or nil
	err      error
}

// follow has connections, those of before a move too, obey a root that is in force.
func (f *frontend) follow(root *config.Root, spec config.Frontend) {
	f.spec = spec
	f.listener.Limit(f.handler.follow(root, spec))
	if f.stayed != nil {
		f.stayed.follow(root, spec)
	}
}

// prepare is for handshakes that are under way at the old port, too.
func (f *frontend) prepare(next *config.Root, spec config.Frontend) error {
	err := f.handler.prepare(next, spec)
	if f.stayed != nil {
		err = errors.Join(err, f.stayed.prepare(next, spec))
	}
	return err
}

func (f *frontend) close() {
	if f.listener != nil {
		_ = f.listener.Close()
	}
}

func (f *frontend) at() netip.AddrPort { return netip.AddrPortFrom(f.spec.Address, f.spec.Port) }

// frontendKey tells frontends apart: a forwarding rule has one at each of its addresses.
type frontendKey struct {
	rule    string
	address netip.Addr
}

func frontendKeyOf(spec config.Frontend) frontendKey { return frontendKey{spec.Name, spec.Address} }

// portTable maps requested ends to bound ports, for redirects.
type portTable map[netip.AddrPort]uint16

// reach is the port that works on an address for one that a user wrote.
func (p *Proxy) reach(address netip.Addr, port uint16) uint16 {
	if t := p.ports.Load(); t != nil {
		if actual, ok := (*t)[netip.AddrPortFrom(address, port)]; ok {
			return actual
		}
	}
	return port
}

// updateFrontends binds what is new, and closes what is gone: first, because an address may move to another rule.
//
// again: the root is in force already, and what could not be bound as written may be bound by now.
func (p *Proxy) updateFrontends(root *config.Root, again bool) error {
	specs := root.Frontends()
	changed := p.closeUnwanted(specs)
	var errs []error
	var opened []*frontend
	if again {
		opened = p.goHome(root)
		changed = changed || len(opened) > 0
	}
	for _, spec := range specs {
		f := p.frontends[frontendKeyOf(spec)]
		if f == nil {
			f = p.open(root, spec)
			p.logUnbound(f)
			p.frontends[frontendKeyOf(spec)] = f
			opened = append(opened, f)
			changed = true
		}
		if f.err != nil {
			errs = append(errs, f.err)
			continue
		}
		f.follow(root, spec)
	}
	if changed {
		p.publishBound()
	}
	// Connections are accepted when every port is known: a redirect may name another frontend's.
	for _, f := range opened {
		if f.err == nil {
			name := f.spec.Name
			p.live.Go(func() { p.serve(name, f) })
		}
	}
	return errors.Join(errs...)
}

// goHome moves frontends to their own ports where those have come free. Who is connected stays where it is.
func (p *Proxy) goHome(root *config.Root) (moved []*frontend) {
	for k, f := range p.frontends {
		if f.listener == nil || !f.listener.Elsewhere() {
			continue
		}
		l, err := listener.BindExactly(p.socket(f.at()))
		if err != nil {
			continue
		}
		// A handler of its own: connections of the old one are told the old port.
		h, err := p.newHandler(root, f.spec)
		if err != nil {
			_ = l.Close()
			continue
		}
		home := &frontend{spec: f.spec, handler: h, stayed: f.handler}
		p.listen(home, l)
		p.cfg.Logger.Info("port is bound as written now", "frontend", f.spec.Name, "was", f.listener.Actual, "actual", l.Actual)
		p.frontends[k] = home
		moved = append(moved, home)
		f.close()
	}
	return moved
}

// closeUnwanted closes the frontends that are gone, that listen elsewhere now, or that were not bound.
func (p *Proxy) closeUnwanted(specs []config.Frontend) (changed bool) {
	wanted := map[frontendKey]config.Frontend{}
	for _, spec := range specs {
		wanted[frontendKeyOf(spec)] = spec
	}
	for k, f := range p.frontends {
		spec, ok := wanted[k]
		if ok && spec.Kind == f.spec.Kind && spec.Port == f.spec.Port && spec.TLS == f.spec.TLS && f.err == nil {
			continue
		}
		f.close()
		delete(p.frontends, k)
		changed = true
		if !ok {
			delete(p.unbound, k)
		}
	}
	return changed
}

// logUnbound tells of a frontend that could not be opened, once for each reason: it is tried again and again.
func (p *Proxy) logUnbound(f *frontend) {
	k := frontendKeyOf(f.spec)
	if f.err == nil {
		delete(p.unbound, k)
		return
	}
	if text := f.err.Error(); p.unbound[k] != text {
		p.unbound[k] = text
		p.cfg.Logger.Error("frontend not bound", "frontend", f.spec.Name, "err", f.err)
	}
}

// socket is what listens for an address and port of a forwarding rule.
func (p *Proxy) socket(at netip.AddrPort) netip.AddrPort {
	if p.cfg.BindAddress.IsValid() {
		return netip.AddrPortFrom(p.cfg.BindAddress, at.Port())
	}
	return at
}

// holder is the frontend that has the socket of an address and port already, or nil. Port 0 is any.
func (p *Proxy) holder(at netip.AddrPort) *frontend {
	for _, f := range p.frontends {
		if f.listener != nil && p.socket(f.at()) == p.socket(at) {
			return f
		}
	}
	return nil
}

// open binds a frontend.
func (p *Proxy) open(root *config.Root, spec config.Frontend) *frontend {
	f := &frontend{spec: spec}
	if other := p.holder(f.at()); other != nil {
		f.err = fmt.Errorf("listen on %s: forwarding rule %q listens there", p.socket(f.at()), other.spec.Name)
		return f
	}
	if f.handler, f.err = p.newHandler(root, spec); f.err != nil {
		return f
	}
	l, err := p.bind(f.at())
	if err != nil {
		f.err = err
		return f
	}
	p.listen(f, l)
	if l.Actual != l.Requested {
		p.cfg.Logger.Warn("port could not be bound as written", "frontend", spec.Name, "requested", l.Requested, "actual", l.Actual)
	}
	return f
}

// listen gives a frontend its socket.
func (p *Proxy) listen(f *frontend, l *listener.Listener) {
	l.Shared, l.Run = p.shared, p.workers.Run
	f.listener = l
	f.handler.bound(l.Actual.Port())
}

// bind uses an inherited socket, if there is one for the address.
func (p *Proxy) bind(at netip.AddrPort) (*listener.Listener, error) {
	for i, s := range p.inherited {
		if s.Requested == at {
			p.inherited = slices.Delete(p.inherited, i, i+1)
			return listener.Inherit(p.socket(at), s.File)
		}
	}
	l, err := listener.Bind(p.socket(at))
	if err == nil && !l.Serves(p.reserve) {
		_ = l.Close()
		return nil, fmt.Errorf("listen on %s: %w, or nearly so: requests would find no descriptor", at, syscall.EMFILE)
	}
	return l, err
}

// serve accepts connections until the listener is closed.
func (p *Proxy) serve(name string, f *frontend) {
	counts := p.cfg.Metrics.Frontend(name)
	err := f.listener.Serve(
		f.handler.serve,
		listener.Events{
			Accepted: func() { p.live.Add(1); counts.Accepted.Inc(); counts.Connections.Inc() },
			Closed:   func() { counts.Connections.Dec(); p.live.Done() },
			Shed:     counts.Shed.Inc,
			Failed: func(err error, first bool) {
				counts.AcceptFailures.Inc()
				if first {
					p.cfg.Logger.Error("connections cannot be accepted", "frontend", name, "err", err)
				}
			},
		})
	if err != nil {
		p.cfg.Logger.Error("accept", "frontend", name, "err", err)
	}
}

// prepareFrontends has those that there are get ready for the next root.
func (p *Proxy) prepareFrontends(next *config.Root) error {
	var errs []error
	for _, spec := range next.Frontends() {
		if f := p.frontends[frontendKeyOf(spec)]; f != nil && f.err == nil && f.spec.Kind == spec.Kind {
			errs = append(errs, f.prepare(next, spec))
		}
	}
	return errors.Join(errs...)
}

// publishBound makes what is bound visible.
func (p *Proxy) publishBound() {
	ports := portTable{}
	list := make([]Bound, 0, len(p.frontends))
	for _, f := range p.frontends {
		b := Bound{Frontend: f.spec.Name, Region: f.spec.Region, Requested: f.at(), TLS: f.spec.TLS, Err: f.err}
		if f.listener != nil {
			b.Actual, b.Why = f.listener.Actual, f.listener.Why
			if b.Actual.Addr() == p.cfg.BindAddress {
				b.Actual = netip.AddrPortFrom(b.Requested.Addr(), b.Actual.Port())
			}
			ports[b.Requested] = b.Actual.Port()
		}
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Bound) int {
		return cmp.Or(strings.Compare(a.Frontend, b.Frontend), a.Requested.Compare(b.Requested))
	})
	p.ports.Store(&ports)
	p.bound.Store(&list)
	if p.cfg.OnBound != nil {
		p.cfg.OnBound(list)
	}
}
