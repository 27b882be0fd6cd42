package health

import "net/netip"

// Probes says whether an endpoint is probed for a health check now.
func (p *Prober) Probes(check string, at netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	settings, ok := p.core.checks[check]
	if !ok {
		return false
	}
	probe := p.core.probes[Job{at, settings}]
	return probe != nil && probe.users[check] > 0
}
