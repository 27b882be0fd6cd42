package proxy

import "github.com/spillway-lb/spillway/internal/proxy/config"

// BeforeRoot has f called by everything that asks for the configuration. Only before anything listens: a port
// that was another test's a moment ago may have visitors at once.
func (p *Proxy) BeforeRoot(f func()) {
	p.server.Root = func() *config.Root {
		f()
		return p.root.Load()
	}
}
