package config

import (
	"net/netip"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/requestpath"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// build makes the next root. Nothing can fail any more: from here on handles that roots share may change.
func (e *edit) build(seq uint64) *Root {
	next := &Root{
		at: e.old.at, seq: seq, generation: e.old.generation + 1, removals: e.old.removals + e.removals(),
		proxies: e.old.proxies, maps: e.old.maps, chains: e.old.chains,
	}
	e.buildGroups()
	e.buildServices(next)
	e.tellHealth()
	e.buildMaps(next)
	e.buildProxies(next)
	next.entries = e.entries.CommitOnly()
	next.uses = e.uses.txn.CommitOnly()
	next.refs = e.refs.CommitOnly()
	next.services = e.slots.next
	return next
}

// removals counts the changes after which metrics may have names that nothing has any more.
func (e *edit) removals() (n uint64) {
	for _, c := range e.changes {
		named := kinds[c.key.kind].named
		if named == nil || c.old == nil {
			continue
		}
		if c.new == nil || named(c.old.resource) != named(c.new.resource) {
			n++
		}
	}
	return n
}

// set of keys in the order in which they came.
type keySet struct {
	has  map[key]bool
	list []key
}

func (s *keySet) add(keys ...key) {
	if s.has == nil {
		s.has = map[key]bool{}
	}
	for _, k := range keys {
		if !s.has[k] {
			s.has[k] = true
			s.list = append(s.list, k)
		}
	}
}

// changedGroups are the groups with another specification or shard.
func (e *edit) changedGroups() []key {
	var groups keySet
	for _, c := range e.changes {
		switch c.key.kind {
		case kindGroup:
			groups.add(c.key)
		case kindShard:
			parent, _ := place(c.key.name)
			groups.add(key{kindGroup, parent})
		}
	}
	return groups.list
}

func (e *edit) buildGroups() {
	for _, k := range e.changedGroups() {
		at, ok := e.entries.Get(k.bytes())
		if !ok {
			continue
		}
		spec := at.resource.GetNetworkEndpointGroup()
		g := &balance.Group{Name: k.name, Region: spec.GetRegion(), Zone: spec.GetZone(), Cluster: spec.GetCluster()}
		for i := range int(spec.GetShards()) {
			shard, _ := e.entries.Get(key{kindShard, shardName(k.name, i)}.bytes())
			g.Shards = append(g.Shards, shard.compiled.(*balance.Shard))
		}
		e.entries.Insert(k.bytes(), &entry{resource: at.resource, compiled: g})
	}
}

// buildServices makes a new version of every backend service that changed or reads something that did.
func (e *edit) buildServices(next *Root) {
	var changed keySet
	newTransport := map[key]bool{}
	for _, k := range e.changedGroups() {
		changed.add(e.serviceReaders(k)...)
	}
	for _, c := range e.changes {
		switch c.key.kind {
		case kindBackendService:
			changed.add(c.key)
		case kindHealthCheck:
			next.checks = append(next.checks, c.key.name)
		case kindCertificate, kindTrustConfig:
			for _, k := range e.serviceReaders(c.key) {
				changed.add(k)
				newTransport[k] = true
			}
		case kindWeights:
			for _, en := range []*entry{c.old, c.new} {
				if en != nil {
					changed.add(key{kindBackendService, en.resource.GetWeights().GetBackendService()})
				}
			}
		}
	}
	for _, k := range changed.list {
		e.buildService(next, k, newTransport[k])
	}
}

func (e *edit) serviceReaders(k key) []key {
	return slices.DeleteFunc(e.uses.readersOf(k), func(k key) bool { return k.kind != kindBackendService })
}

func (e *edit) buildService(next *Root, k key, newTransport bool) {
	ref, known := e.Ref(k.name)
	if !known {
		return // its weights went after it
	}
	old := e.slots.next.at(ref)
	at, ok := e.entries.Get(k.bytes())
	if !ok {
		e.slots.set(ref, nil)
		e.refs.Delete([]byte(k.name))
		retired := old.Close()
		next.retired = append(next.retired, retired...)
		next.probes = appendProbes(next.probes, old.Check(), retired, false)
		return
	}
	v := e.version(k.name, at.resource.GetBackendService())
	v.NewTransport = newTransport
	service, ch := balance.Next(old, v)
	e.slots.set(ref, service)
	if old == nil || !old.Awaiting() { // else it has been waited for
		next.changed = append(next.changed, service)
	}
	next.retired = append(next.retired, ch.Retired...)
	next.probes = appendServiceProbes(next.probes, old, service, ch)
}

func appendServiceProbes(to []ProbeChange, old, service *balance.Service, ch balance.Changes) []ProbeChange {
	switch {
	case old == nil:
		return appendProbes(to, service.Check(), service.Handles(), true)
	case old.Check() != service.Check():
		to = appendProbes(to, service.Check(), service.Handles(), true)
		return appendProbes(to, old.Check(), old.Handles(), false)
	}
	to = appendProbes(to, service.Check(), ch.Joined, true)
	return appendProbes(to, old.Check(), ch.Retired, false)
}

// version gathers what a backend service is made of.
func (e *edit) version(name string, spec *lbv1.BackendService) balance.Version {
	v := balance.Version{Name: name, Spec: spec, Weights: e.weights(name)}
	if check := spec.GetHealthCheck(); check != "" {
		at, _ := e.entries.Get(key{kindHealthCheck, check}.bytes())
		v.Check = at.compiled.(*balance.Check)
		v.Known = func(addr netip.AddrPort) lbv1.HealthState {
			h, ok := e.entries.Get(key{kindEndpointHealth, healthName(e.old.at.Region, check, addr)}.bytes())
			if !ok {
				return lbv1.HealthState_UNKNOWN
			}
			return h.resource.GetEndpointHealth().GetState()
		}
	}
	for _, b := range spec.GetBackends() {
		at, _ := e.entries.Get(key{kindGroup, b.GetGroup()}.bytes())
		v.Groups = append(v.Groups, at.compiled.(*balance.Group))
	}
	return v
}

// weights are those of this location: of its zone, else of its region.
func (e *edit) weights(service string) *lbv1.Weights {
	for _, location := range []string{e.old.at.Zone, e.old.at.Region} {
		if at, ok := e.entries.Get(key{kindWeights, service + "/" + location}.bytes()); ok {
			return at.resource.GetWeights()
		}
	}
	return nil
}

// tellHealth passes on the verdicts of this location's prober that came as resources.
func (e *edit) tellHealth() {
	for _, c := range e.changes {
		if c.key.kind != kindEndpointHealth || c.new == nil {
			continue
		}
		h := c.new.resource.GetEndpointHealth()
		if h.GetLocation() != e.old.at.Region {
			continue
		}
		check, _ := e.entries.Get(key{kindHealthCheck, h.GetHealthCheck()}.bytes())
		check.compiled.(*balance.Check).Set(c.new.compiled.(netip.AddrPort), h.GetState())
	}
}

// buildMaps makes the next version of every URL map that changed or has rules that did.
func (e *edit) buildMaps(next *Root) {
	edits := map[string]*urlmap.Edit{}
	of := func(name string) *urlmap.Edit {
		if edits[name] == nil {
			m, ok := next.maps.Get([]byte(name))
			if !ok {
				m = urlmap.New()
			}
			edits[name] = m.Edit()
		}
		return edits[name]
	}
	for _, c := range e.changes {
		if c.key.kind == kindURLMap && c.new != nil {
			spec, edit := c.new.resource.GetUrlMap(), of(c.key.name)
			edit.SetListeners(spec.GetListenerHosts())
			edit.SetOneLabelWildcards(spec.GetOneLabelWildcards())
		}
	}
	for _, c := range e.changes {
		if c.key.kind == kindRouteRule && c.old != nil {
			of(c.old.rule().GetUrlMap()).Delete(c.old.compiled.(*urlmap.Rule))
		}
	}
	for _, c := range e.changes {
		if c.key.kind == kindRouteRule && c.new != nil {
			of(c.new.rule().GetUrlMap()).Put(c.new.compiled.(*urlmap.Rule))
		}
	}
	txn := next.maps.Txn()
	for name, edit := range edits {
		txn.Insert([]byte(name), edit.Commit())
	}
	for _, c := range e.changes {
		if c.key.kind == kindURLMap && c.new == nil {
			txn.Delete([]byte(c.key.name))
		}
	}
	next.maps = txn.CommitOnly()
}

// buildProxies makes the next version of every target proxy that changed or whose URL map did.
func (e *edit) buildProxies(next *Root) {
	var changed keySet
	for _, c := range e.changes {
		switch c.key.kind {
		case kindTargetProxy:
			changed.add(c.key)
		case kindURLMap:
			changed.add(e.uses.readersOf(c.key)...)
		case kindRouteRule:
			changed.add(e.uses.readersOf(key{kindURLMap, c.ruleMap()})...)
		}
	}
	txn := next.proxies.Txn()
	for _, k := range changed.list {
		at, ok := e.entries.Get(k.bytes())
		if !ok {
			txn.Delete([]byte(k.name))
			continue
		}
		spec := at.resource.GetTargetProxy()
		p := &TargetProxy{Name: k.name, Spec: spec}
		compiled := at.compiled.(*compiledProxy)
		p.validations, p.Chains = compiled.validations, compiled.chains
		p.Map, _ = next.maps.Get([]byte(spec.GetUrlMap()))
		m, _ := e.entries.Get(key{kindURLMap, spec.GetUrlMap()}.bytes())
		p.DefaultService, _ = e.Ref(m.resource.GetUrlMap().GetDefaultService())
		p.DetectMisdirected = m.resource.GetUrlMap().GetDetectMisdirected()
		p.upgrades = compileUpgrades(spec.GetUpgrades())
		p.Paths, p.Underscores = requestpath.Compile(spec.GetRequestPolicy()), spec.GetRequestPolicy().GetUnderscores()
		txn.Insert([]byte(k.name), p)
	}
	next.proxies = txn.CommitOnly()
}

// ruleMap is the URL map of a changed rule; its name holds the map's, so it cannot change.
func (c *change) ruleMap() string {
	if c.new != nil {
		return c.new.rule().GetUrlMap()
	}
	return c.old.rule().GetUrlMap()
}
