package proxy

import "github.com/spillway-lb/spillway/internal/proxy/metrics"

// sweepMetrics forgets the counts of what the configuration has no more. It runs in the ticking goroutine only, and costs
// nothing while nothing was deleted.
func (p *Proxy) sweepMetrics() {
	root := p.Root()
	if root.Removals() == p.swept {
		return
	}
	p.swept = root.Removals()
	routes := root.RouteNames()
	p.cfg.Metrics.Sweep(metrics.Names{
		// The current root is asked, for a service may have come back since.
		Service: func(name string) bool { return p.Root().ServiceByName(name) != nil },
		Route:   func(name string) bool { return routes[name] },
		Frontend: func(name string) bool {
			return p.Root().Resource("forwarding_rule", name) != nil
		},
	})
}
