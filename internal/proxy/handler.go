package proxy

import (
	"fmt"
	"net"

	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// handler is what becomes of a frontend's connections: one of each kind of frontend there is. Sockets, their hand-over to
// another process, limits and counts of connections are the same for all and not its business.
type handler interface {
	// bound tells the port that was bound, before anything is accepted.
	bound(port uint16)
	// prepare takes what must be in force before a root is, such as certificates; what cannot be leaves what was.
	prepare(next *config.Root, spec config.Frontend) error
	// follow takes what a root that is in force says, and returns how many connections may be open; 0 does not bound them.
	follow(root *config.Root, spec config.Frontend) (most int)
	// serve serves a connection, in this goroutine or in others, until it ends: then it calls closed.
	serve(nc *net.TCPConn, closed func())
}

// handlerMaker makes the handler of a frontend that is about to be bound.
type handlerMaker func(*Proxy, *config.Root, config.Frontend) (handler, error)

// handlerMakers has a row for each kind. TCP and TLS pass-through will be further rows; UDP, which has no connections to
// accept, needs a second sort of listener beside (see open).
func handlerMakers() map[config.FrontendKind]handlerMaker {
	return map[config.FrontendKind]handlerMaker{config.HTTP: newHTTPFrontend}
}

func (p *Proxy) newHandler(root *config.Root, spec config.Frontend) (handler, error) {
	newOne, ok := p.handlers[spec.Kind]
	if !ok {
		return nil, fmt.Errorf("forwarding rule %q: this proxy has no frontends of kind %q", spec.Name, spec.Kind)
	}
	return newOne(p, root, spec)
}
