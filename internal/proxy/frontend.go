package proxy

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/listener"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
)

var errEnded = errors.New("proxy: ended")

// Bound tells where a frontend listens.
type Bound struct {
	// Frontend is the forwarding rule's name.
	Frontend, Region string
	// Requested is as the user wrote it, Actual what works: they differ where the port could not be bound.
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
	exchange *exchange.Frontend
	tls      *proxytls.Server // nil without TLS
	inputs   tlsInputs        // what tls was compiled from
	err      error
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
		opened = p.goHome()
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
		f.exchange.SetTarget(spec.TargetProxy)
		f.spec = spec
		if target := root.TargetProxy(spec.TargetProxy); target != nil {
			f.listener.Limit(int(target.Spec.GetLimits().GetMaxConnections()))
		}
	}
	if changed {
		p.publishBound()
	}
	// Connections are accepted when every port is known: a redirect may name another frontend's.
	for _, f := range opened {
		if f.err == nil {
			p.live.Go(func() { p.serve(f) })
		}
	}
	return errors.Join(errs...)
}

// goHome moves frontends to their own ports where those have come free. Who is connected stays where it is.
func (p *Proxy) goHome() (moved []*frontend) {
	for k, f := range p.frontends {
		if f.listener == nil || !f.listener.Elsewhere() {
			continue
		}
		l, err := listener.BindExactly(f.at())
		if err != nil {
			continue
		}
		home := &frontend{spec: f.spec, tls: f.tls, inputs: f.inputs}
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
		if ok && spec.Port == f.spec.Port && spec.TLS == f.spec.TLS && f.err == nil {
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

// holder is the frontend that listens on an address and port already, or nil.
func (p *Proxy) holder(at netip.AddrPort) *frontend {
	for _, f := range p.frontends {
		if f.listener != nil && f.at() == at {
			return f
		}
	}
	return nil
}

// open binds a frontend.
func (p *Proxy) open(root *config.Root, spec config.Frontend) *frontend {
	f := &frontend{spec: spec}
	if other := p.holder(f.at()); other != nil {
		f.err = fmt.Errorf("listen on %s: forwarding rule %q listens there", f.at(), other.spec.Name)
		return f
	}
	if spec.TLS {
		policy, err := p.policy(root, spec.TargetProxy)
		if err != nil {
			f.err = err
			return f
		}
		f.tls, f.inputs = proxytls.NewServer(policy, p.tickets), inputsOf(root, spec.TargetProxy)
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
	l.Shared = p.shared
	address := f.spec.Address
	f.listener = l
	f.exchange = &exchange.Frontend{
		Name: f.spec.Name, Port: l.Actual.Port(), Reach: func(port uint16) uint16 { return p.reach(address, port) },
	}
	f.exchange.SetTarget(f.spec.TargetProxy)
}

// bind uses an inherited socket, if there is one for the address.
func (p *Proxy) bind(at netip.AddrPort) (*listener.Listener, error) {
	for i, s := range p.inherited {
		if s.Requested == at {
			p.inherited = slices.Delete(p.inherited, i, i+1)
			return listener.Inherit(at, s.File)
		}
	}
	return listener.Bind(at)
}

// serve accepts connections until the listener is closed.
func (p *Proxy) serve(f *frontend) {
	counts := p.cfg.Metrics.Frontend(f.exchange.Name)
	var tlsConfig *tls.Config
	if f.tls != nil {
		tlsConfig = f.tls.Config()
	}
	at := f.exchange
	err := f.listener.Serve(
		func(nc *net.TCPConn, closed func()) { p.server.Serve(nc, at, tlsConfig, closed) },
		listener.Events{
			Accepted: func() { p.live.Add(1); counts.Accepted.Inc(); counts.Connections.Inc() },
			Closed:   func() { counts.Connections.Dec(); p.live.Done() },
			Shed:     counts.Shed.Inc,
			Failed: func(err error, first bool) {
				counts.AcceptFailures.Inc()
				if first {
					p.cfg.Logger.Error("connections cannot be accepted", "frontend", at.Name, "err", err)
				}
			},
		})
	if err != nil {
		p.cfg.Logger.Error("accept", "frontend", at.Name, "err", err)
	}
}

// updateTLS gives TLS frontends the policy of the next root.
func (p *Proxy) updateTLS(next *config.Root) error {
	var errs []error
	for _, spec := range next.Frontends() {
		f := p.frontends[frontendKeyOf(spec)]
		if f == nil || f.tls == nil || !spec.TLS {
			continue
		}
		inputs := inputsOf(next, spec.TargetProxy)
		if inputs.equal(f.inputs) {
			continue
		}
		policy, err := p.policy(next, spec.TargetProxy)
		if err != nil {
			errs = append(errs, fmt.Errorf("frontend %s keeps its certificates: %w", spec.Name, err))
			continue
		}
		f.tls.Set(policy)
		f.inputs = inputs
	}
	return errors.Join(errs...)
}

func (p *Proxy) policy(root *config.Root, target string) (*proxytls.ServerPolicy, error) {
	t := root.TargetProxy(target)
	if t == nil {
		return nil, fmt.Errorf("target proxy %q does not exist", target)
	}
	return proxytls.CompileServer(t.Spec.GetTls(), config.Material{Root: root})
}

// publishBound makes what is bound visible.
func (p *Proxy) publishBound() {
	ports := portTable{}
	list := make([]Bound, 0, len(p.frontends))
	for _, f := range p.frontends {
		b := Bound{Frontend: f.spec.Name, Region: f.spec.Region, Requested: f.at(), TLS: f.spec.TLS, Err: f.err}
		if f.listener != nil {
			b.Actual, b.Why = f.listener.Actual, f.listener.Why
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
