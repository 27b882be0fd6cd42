package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

func checkForwardingRule(f *lbv1.ForwardingRule) error {
	if f.GetPort() == 0 || f.GetPort() > 65535 {
		return fmt.Errorf("port %d", f.GetPort())
	}
	for _, v := range f.GetVips() {
		if _, err := netip.ParseAddr(v.GetAddress()); err != nil {
			return fmt.Errorf("address %q is not an IP address", v.GetAddress())
		}
	}
	return nil
}

// compiledProxy is what a target proxy is compiled to.
type compiledProxy struct {
	validations *validations
	chains      *extension.Chains
}

func (e *edit) compileTargetProxy(name string, p *lbv1.TargetProxy) (any, error) {
	if err := checkTargetProxy(p); err != nil {
		return nil, err
	}
	c := &compiledProxy{validations: compileValidations(p)}
	var err error
	if e.old.chains != nil {
		c.chains, err = e.old.chains(name, p, e)
	}
	return c, err
}

// checkCallouts wants the backend services that chains call to be held by references: what has none may be deleted, and
// does not go where the target proxy goes.
func (e *edit) checkCallouts(name string, chains *extension.Chains) error {
	services := chains.Services()
	if len(services) == 0 {
		return nil
	}
	held := map[key]bool{}
	e.hold(key{kindTargetProxy, name}, held)
	for _, s := range services {
		if !held[key{kindBackendService, s}] {
			return fmt.Errorf("an extension calls backend_service %q, to which nothing refers that the target proxy has", s)
		}
	}
	return nil
}

// hold collects what a resource refers to, itself and through others.
func (e *edit) hold(k key, held map[key]bool) {
	at, ok := e.entries.Get(k.bytes())
	if !ok {
		return
	}
	for _, to := range references(at.resource) {
		if !held[to] {
			held[to] = true
			e.hold(to, held)
		}
	}
}

// Resource implements extension.Resources.
func (e *edit) Resource(kind, name string) *lbv1.Resource {
	if at, ok := e.entries.Get(key{kind, name}.bytes()); ok {
		return at.resource
	}
	return nil
}

var _ extension.Resources = (*edit)(nil)

func checkTargetProxy(p *lbv1.TargetProxy) error {
	if err := checkUpgrades(p.GetUpgrades()); err != nil {
		return err
	}
	for _, n := range p.GetTls().GetServerNames() {
		if n.GetHost() != "" {
			if err := urlmap.CheckHost(n.GetHost()); err != nil {
				return fmt.Errorf("server name: %w", err)
			}
		}
		if len(n.GetCertificates()) == 0 {
			return fmt.Errorf("server name %q has no certificate", n.GetHost())
		}
	}
	return nil
}

// checkURLMap refuses to take a listener host away from under its rules.
func (e *edit) checkURLMap(c *change) error {
	m := c.new.resource.GetUrlMap()
	seen := map[string]bool{}
	for _, host := range m.GetListenerHosts() {
		if err := urlmap.CheckHost(host); err != nil {
			return fmt.Errorf("listener_hosts: %w", err)
		}
		if seen[host] {
			return fmt.Errorf("listener_hosts: %q is there twice", host)
		}
		seen[host] = true
	}
	old, ok := e.old.maps.Get([]byte(c.key.name))
	if !ok {
		return nil
	}
	for host, rules := range old.Listeners() {
		if seen[host] {
			continue
		}
		if left := rules + e.ruleDelta(c.key.name, host); left > 0 {
			return fmt.Errorf("listener_hosts: %q is missing and has %d route rules", host, left)
		}
	}
	return nil
}

// ruleDelta is the number of rules that the transaction adds to a listener host.
func (e *edit) ruleDelta(urlMap, listener string) int {
	n := 0
	count := func(en *entry, d int) {
		if r := en.rule(); r.GetUrlMap() == urlMap && r.GetListenerHost() == listener {
			n += d
		}
	}
	for _, c := range e.changes {
		if c.key.kind == kindRouteRule {
			count(c.old, -1)
			count(c.new, +1)
		}
	}
	return n
}

func (e *entry) rule() *lbv1.RouteRule {
	if e == nil {
		return nil
	}
	return e.resource.GetRouteRule()
}

func (e *edit) compileRule(name string, r *lbv1.RouteRule) (any, error) {
	if m, ok := e.entries.Get(key{kindURLMap, r.GetUrlMap()}.bytes()); ok {
		if !slices.Contains(m.resource.GetUrlMap().GetListenerHosts(), r.GetListenerHost()) {
			return nil, fmt.Errorf("%q is not a listener host of url_map %q", r.GetListenerHost(), r.GetUrlMap())
		}
	}
	return urlmap.Compile(name, r, e)
}

func checkBackendService(s *lbv1.BackendService) error {
	seen := map[string]bool{}
	for _, b := range s.GetBackends() {
		if seen[b.GetGroup()] {
			return fmt.Errorf("group %q is there twice", b.GetGroup())
		}
		seen[b.GetGroup()] = true
	}
	if s.GetLimits().GetMaxPendingRequests() > 0 {
		// A limit that nothing keeps is worse than none.
		return errors.New("max_pending_requests: no request of this proxy waits in a queue; max_requests bounds those under way")
	}
	return balance.Validate(s)
}

// checkGroup refuses to leave shards over when a group gets fewer: they would come back with the next growth.
func (e *edit) checkGroup(c *change) error {
	g := c.new.resource.GetNetworkEndpointGroup()
	if c.old == nil {
		return nil
	}
	for i := int(g.GetShards()); i < int(c.old.resource.GetNetworkEndpointGroup().GetShards()); i++ {
		if _, ok := e.entries.Get(key{kindShard, shardName(c.key.name, i)}.bytes()); ok {
			return fmt.Errorf("has %d shards, but endpoint_shard %q is left", g.GetShards(), shardName(c.key.name, i))
		}
	}
	return nil
}

func (e *edit) compileShard(name string, s *lbv1.EndpointShard) (any, error) {
	if want := shardName(s.GetGroup(), int(s.GetIndex())); name != want {
		return nil, fmt.Errorf("the name is not %q", want)
	}
	if g, ok := e.entries.Get(key{kindGroup, s.GetGroup()}.bytes()); ok {
		if n := g.resource.GetNetworkEndpointGroup().GetShards(); s.GetIndex() >= n {
			return nil, fmt.Errorf("network_endpoint_group %q has %d shards", s.GetGroup(), n)
		}
	}
	return balance.CompileShard(s)
}

const maxProbeResponse = 1024

func checkHealthCheck(h *lbv1.HealthCheck) error {
	interval, timeout := h.GetCheckInterval().AsDuration(), h.GetTimeout().AsDuration()
	switch {
	case h.GetType() == lbv1.HealthCheck_TYPE_UNSPECIFIED:
		return errors.New("the type is not set")
	case interval < 0 || timeout < 0:
		return errors.New("check_interval or timeout is negative")
	case h.GetPort() > 65535:
		return fmt.Errorf("port %d", h.GetPort())
	case h.GetPortSpecification() == lbv1.HealthCheck_USE_FIXED_PORT && h.GetPort() == 0:
		return errors.New("USE_FIXED_PORT without a port")
	case h.GetRequestPath() != "" && !strings.HasPrefix(h.GetRequestPath(), "/"):
		return refusal.Errorf("request_path", "%q does not begin with /", h.GetRequestPath())
	case strings.HasPrefix(h.GetRequestPath(), "//"):
		return refusal.Errorf("request_path", "%q begins with two slashes, which would name a host", h.GetRequestPath())
	case h.GetRequestPath() != "" && !isTarget(h.GetRequestPath()):
		return refusal.Errorf("request_path", "%q has a byte that has to be percent-encoded", h.GetRequestPath())
	case h.GetHost() != "" && !message.ValidAuthority([]byte(h.GetHost())):
		return refusal.Errorf("host", "%q is not a host", h.GetHost())
	case len(h.GetResponse()) > maxProbeResponse:
		return fmt.Errorf("response has %d bytes, more than %d", len(h.GetResponse()), maxProbeResponse)
	}
	return nil
}

// isTarget is for request targets of ASCII.
func isTarget(path string) bool {
	return field.ValidTarget(path) && strings.IndexFunc(path, func(r rune) bool { return r >= 0x7f }) < 0
}

// compileEndpointHealth returns the address.
func compileEndpointHealth(name string, h *lbv1.EndpointHealth) (any, error) {
	ip, err := netip.ParseAddr(h.GetAddress())
	if err != nil || h.GetPort() == 0 || h.GetPort() > 65535 {
		return nil, fmt.Errorf("address %q, port %d", h.GetAddress(), h.GetPort())
	}
	at := netip.AddrPortFrom(ip.Unmap(), uint16(h.GetPort()))
	if want := healthName(h.GetLocation(), h.GetHealthCheck(), at); name != want {
		return nil, fmt.Errorf("the name is not %q", want)
	}
	return at, nil
}

func healthName(location, check string, at netip.AddrPort) string {
	return location + "/" + check + "/" + at.String()
}

func checkWeights(name string, w *lbv1.Weights) error {
	if want := w.GetBackendService() + "/" + w.GetLocation(); name != want {
		return fmt.Errorf("the name is not %q", want)
	}
	seen := map[string]bool{}
	for _, g := range w.GetGroups() {
		if seen[g.GetGroup()] {
			return fmt.Errorf("group %q is there twice", g.GetGroup())
		}
		seen[g.GetGroup()] = true
	}
	return nil
}
