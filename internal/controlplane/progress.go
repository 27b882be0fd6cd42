package controlplane

import (
	"cmp"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/store"
)

// Progress knows how far the proxies have come with what was published for each owner. It has no clock: published
// transactions, locations and their reports go in, the facts that changed come out. It is not safe for concurrent use.
type Progress struct {
	// lookup finds a published resource; it is asked about the model before a transaction while Publish runs.
	lookup    func(kind, name string) *lbv1.Resource
	newest    uint64
	locations map[string]*locationState
	owners    map[store.Fact]*ownerState
	// log has the owner of each touch in order of transaction; those up to forgotten are not in it any more.
	log       []touch
	forgotten uint64
	// rules are the owners that depend on the places of a Gateway: its routes'.
	routes map[store.Fact]map[store.Fact]struct{}
	// withheld are the resources that no proxy was given.
	withheld map[store.Fact][]fact.Refusal
	dirty    map[store.Fact]struct{}
	// counting: some of the dirty ones are kept back.
	counting bool
}

// touch is a transaction that changed an owner's resources.
type touch struct {
	seq   uint64
	owner store.Fact
}

type ownerState struct {
	touched   uint64
	resources int
	// places counts, by region, what is published there; "" is everywhere.
	places map[string]int
	// gateway is the Gateway whose places a route has; the zero Fact for others.
	gateway store.Fact
	told    *fact.Progress
}

type locationState struct {
	taken uint64
	// refused, unbound and elsewhere are by the owner of the resource.
	refused   map[store.Fact][]fact.Refusal
	unbound   map[store.Fact][]fact.Unbound
	elsewhere map[store.Fact][]fact.Elsewhere
	// late is a location that was not waited for to the end; it is not waited for again until it has caught up.
	late bool
}

// FactChange is a fact's new value; nil removes it.
type FactChange struct {
	Fact  store.Fact
	Value any
}

// NewProgress starts with nothing published. lookup finds a resource in the published model.
func NewProgress(lookup func(kind, name string) *lbv1.Resource) *Progress {
	return &Progress{
		lookup: lookup, locations: map[string]*locationState{}, owners: map[store.Fact]*ownerState{},
		routes: map[store.Fact]map[store.Fact]struct{}{}, withheld: map[store.Fact][]fact.Refusal{}, dirty: map[store.Fact]struct{}{},
	}
}

// Publish takes a transaction that is about to be published, before lookup knows of it.
func (p *Progress) Publish(tx *lbv1.Transaction) {
	p.newest = tx.GetSeq()
	gateways := map[string]store.Fact{} // of the URL maps in the transaction
	for _, r := range tx.GetUpserts() {
		if m := r.GetUrlMap(); m != nil {
			gateways[r.GetName()], _ = ownerFact(m.GetOwner())
		}
	}
	for _, r := range tx.GetUpserts() {
		key := lbv1.KeyOf(r)
		p.leave(p.lookup(key.GetKind(), key.GetName()))
		p.enter(r, gateways)
	}
	for _, key := range tx.GetDeletes() {
		p.leave(p.lookup(key.GetKind(), key.GetName()))
	}
	p.trim()
}

// enter counts a resource for its owner.
func (p *Progress) enter(r *lbv1.Resource, gateways map[string]store.Fact) {
	f, gateway, ok := p.ownerOf(r, gateways)
	if !ok {
		return
	}
	o := p.touch(f)
	o.resources++
	if gateway != (store.Fact{}) && o.gateway != gateway {
		o.gateway = gateway
		if p.routes[gateway] == nil {
			p.routes[gateway] = map[store.Fact]struct{}{}
		}
		p.routes[gateway][f] = struct{}{}
	}
	p.place(f, o, r, 1)
}

// leave takes a resource that is replaced or deleted from its owner.
func (p *Progress) leave(r *lbv1.Resource) {
	f, _, ok := p.ownerOf(r, nil)
	if !ok {
		return
	}
	o := p.touch(f)
	o.resources--
	p.place(f, o, r, -1)
}

// touch remembers that the newest transaction changed something of an owner's.
func (p *Progress) touch(f store.Fact) *ownerState {
	o := p.owners[f]
	if o == nil {
		o = &ownerState{}
		p.owners[f] = o
	}
	if o.touched != p.newest {
		o.touched = p.newest
		p.log = append(p.log, touch{p.newest, f})
	}
	p.dirty[f] = struct{}{}
	return o
}

// place counts where a resource is served.
func (p *Progress) place(f store.Fact, o *ownerState, r *lbv1.Resource, n int) {
	regions := regionsOf(r)
	if len(regions) == 0 {
		return
	}
	if o.places == nil {
		o.places = map[string]int{}
	}
	for _, region := range regions {
		if o.places[region] += n; o.places[region] == 0 {
			delete(o.places, region)
		}
	}
	dirtyAll(p, p.routes[f])
}

// regionsOf says where a resource is served, if it is one that says so; "" is everywhere.
func regionsOf(r *lbv1.Resource) []string {
	switch {
	case r.GetForwardingRule() != nil:
		var out []string
		for _, vip := range r.GetForwardingRule().GetVips() {
			out = append(out, vip.GetRegion())
		}
		return out
	case r.GetBackendService() != nil:
		return []string{r.GetBackendService().GetRegion()}
	case r.GetLbRouteExtension() != nil:
		return []string{r.GetLbRouteExtension().GetRegion()}
	case r.GetLbTrafficExtension() != nil:
		return []string{r.GetLbTrafficExtension().GetRegion()}
	case r.GetWasmPlugin() != nil:
		return []string{""}
	}
	return nil
}

// ownerOf names the progress that a resource counts for, and for a route's the one of its Gateway; gateways are those of
// URL maps that are not published yet.
func (p *Progress) ownerOf(r *lbv1.Resource, gateways map[string]store.Fact) (f, gateway store.Fact, ok bool) {
	rule := r.GetRouteRule()
	if rule == nil {
		f, ok = ownerFact(owner.OfResource(r))
		return f, store.Fact{}, ok
	}
	gateway, ok = gateways[rule.GetUrlMap()]
	if !ok {
		gateway, ok = ownerFact(p.lookup("url_map", rule.GetUrlMap()).GetUrlMap().GetOwner())
	}
	route, owned := owner.Ref(rule.GetOwner())
	if !ok || !owned {
		return store.Fact{}, store.Fact{}, false
	}
	of, _ := store.ParseRef(gateway.Key)
	return fact.RouteProgressOf(route, of), gateway, true
}

func ownerFact(o *lbv1.Owner) (store.Fact, bool) {
	ref, ok := owner.Ref(o)
	if !ok {
		return store.Fact{}, false
	}
	return fact.ProgressOf(ref), true
}

// Withhold takes all resources that are held back from the proxies now, with the reasons. A refused delete has no
// resource.
func (p *Progress) Withhold(all []Withheld) {
	next := map[store.Fact][]fact.Refusal{}
	for _, w := range all {
		r := w.Resource
		if r == nil {
			r = p.lookup(w.Kind, w.Name)
		}
		if f, _, ok := p.ownerOf(r, nil); ok {
			next[f] = append(next[f], fact.Refusal{Resource: w.Kind + " " + w.Name, Text: w.Reason})
		}
	}
	dirtyAll(p, p.withheld)
	dirtyAll(p, next)
	for f := range next {
		if p.owners[f] == nil {
			p.owners[f] = &ownerState{}
		}
	}
	p.withheld = next
}

// Withheld is a resource that is held back.
type Withheld struct {
	config.Refusal
	Resource *lbv1.Resource
}

// Open tells of a location that has a proxy, which has taken nothing yet.
func (p *Progress) Open(name string) {
	p.locations[name] = &locationState{}
	dirtyAll(p, p.owners)
}

// Close tells of a location that has none any more.
func (p *Progress) Close(name string) {
	delete(p.locations, name)
	dirtyAll(p, p.owners)
	p.trim()
}

// dirtyAll marks the owners that are the keys of a map.
func dirtyAll[V any](p *Progress, owners map[store.Fact]V) {
	for f := range owners {
		p.dirty[f] = struct{}{}
	}
}

// Report takes a location's word. One that is older than what the location said before counts for nothing.
func (p *Progress) Report(r location.Report) {
	l := p.locations[r.Location]
	if l == nil || r.Seq < l.taken {
		return
	}
	if r.Seq > l.taken {
		p.dirtySince(l.taken)
	}
	p.dirtyPlaces(l)
	l.taken, l.refused, l.unbound, l.elsewhere = r.Seq, p.refusedOf(r), p.unboundOf(r), p.elsewhereOf(r)
	p.dirtyPlaces(l)
	if l.taken >= p.newest {
		l.late = false
	}
	p.trim()
}

// dirtyPlaces marks the owners that a location has something to say about.
func (p *Progress) dirtyPlaces(l *locationState) {
	dirtyAll(p, l.refused)
	dirtyAll(p, l.unbound)
	dirtyAll(p, l.elsewhere)
}

// dirtySince marks the owners that were touched after a transaction.
func (p *Progress) dirtySince(seq uint64) {
	if seq < p.forgotten {
		dirtyAll(p, p.owners)
		return
	}
	from, _ := slices.BinarySearchFunc(p.log, seq+1, func(t touch, seq uint64) int { return cmp.Compare(t.seq, seq) })
	for _, t := range p.log[from:] {
		p.dirty[t.owner] = struct{}{}
	}
}

// refusedOf sorts a location's refusals, and what cannot do its part, by the owner of the resource. What is gone has nobody to be told.
func (p *Progress) refusedOf(r location.Report) map[store.Fact][]fact.Refusal {
	out := map[store.Fact][]fact.Refusal{}
	for _, x := range slices.Concat(r.Refused, r.Faults) {
		if f, _, ok := p.ownerOf(p.lookup(x.Kind, x.Name), nil); ok {
			out[f] = append(out[f], fact.Refusal{Location: r.Location, Resource: x.Kind + " " + x.Name, Text: x.Reason})
		}
	}
	return out
}

// unboundOf sorts a location's failures by the owner of the address.
func (p *Progress) unboundOf(r location.Report) map[store.Fact][]fact.Unbound {
	out := map[store.Fact][]fact.Unbound{}
	for _, u := range r.Unbound {
		if f, ok := p.ownerOfRule(u.ForwardingRule); ok {
			out[f] = append(out[f], fact.Unbound{
				Location: r.Location, Address: u.Address.Addr().String(), Port: uint32(u.Address.Port()), Text: u.Text,
			})
		}
	}
	return out
}

// elsewhereOf sorts what a location listens on in another's place by the owner of the address.
func (p *Progress) elsewhereOf(r location.Report) map[store.Fact][]fact.Elsewhere {
	out := map[store.Fact][]fact.Elsewhere{}
	for _, e := range r.Elsewhere {
		if f, ok := p.ownerOfRule(e.ForwardingRule); ok {
			out[f] = append(out[f], fact.Elsewhere{Location: r.Location, Port: uint32(e.Requested.Port()), At: e.Actual.String(), Text: e.Text})
		}
	}
	return out
}

func (p *Progress) ownerOfRule(name string) (store.Fact, bool) {
	return ownerFact(p.lookup("forwarding_rule", name).GetForwardingRule().GetOwner())
}

// slack is how many outdated touches the log may have beside one for each owner.
const slack = 1000

// trim forgets touches that every location has taken, or that a later touch of the same owner outdates.
func (p *Progress) trim() {
	if len(p.log) < slack+2*len(p.owners) {
		return
	}
	everywhere := p.newest
	for _, l := range p.locations {
		everywhere = min(everywhere, l.taken)
	}
	p.log = slices.DeleteFunc(p.log, func(t touch) bool {
		o := p.owners[t.owner]
		return t.seq <= everywhere || o == nil || o.touched != t.seq
	})
	p.forgotten = max(p.forgotten, everywhere)
}

// Settled says that every location that is waited for has dealt with the newest transaction.
func (p *Progress) Settled() bool {
	for _, l := range p.locations {
		if l.taken < p.newest && !l.late {
			return false
		}
	}
	return true
}

// Hurry ends the wait for locations that have not dealt with the newest transaction.
func (p *Progress) Hurry() {
	for _, l := range p.locations {
		l.late = l.late || l.taken < p.newest
	}
}

// Taken is the newest transaction of each location.
func (p *Progress) Taken() map[string]uint64 {
	out := make(map[string]uint64, len(p.locations))
	for name, l := range p.locations {
		out[name] = l.taken
	}
	return out
}

// manyCounts is how many owners may wait for more proxies than before and be told so at any time.
const manyCounts = 100

// Changes returns the facts that changed since the last call, in order of key. Where many owners wait for proxies and only the number of those
// that have it differs, that is told if exact: each proxy of a fleet that takes a large model would be news of everything else.
func (p *Progress) Changes(exact bool) []FactChange {
	var out, counts []FactChange
	for f := range p.dirty {
		c, counting, changed := p.change(f)
		switch {
		case changed && counting:
			counts = append(counts, c)
		case changed:
			out = append(out, p.tell(c))
		default:
			delete(p.dirty, f)
		}
	}
	if p.counting = !exact && len(counts) > manyCounts; !p.counting {
		for _, c := range counts {
			out = append(out, p.tell(c))
		}
	}
	slices.SortFunc(out, func(a, b FactChange) int { return cmp.Compare(a.Fact.Key, b.Fact.Key) })
	return out
}

// Counting says that Changes kept something back.
func (p *Progress) Counting() bool { return p.counting }

// change is what is new of an owner; counting: only how many proxies of those that it waits for have it.
func (p *Progress) change(f store.Fact) (c FactChange, counting, changed bool) {
	o := p.owners[f]
	if o == nil {
		return c, false, false
	}
	now, gone := p.progress(f, o)
	switch {
	case gone && o.told == nil:
		p.forget(f, o)
		return c, false, false
	case gone:
		return FactChange{Fact: f}, false, true
	case o.told == nil:
		return FactChange{f, now}, false, true
	}
	counted := *o.told
	counted.Ready = now.Ready
	return FactChange{f, now}, counted.Equal(now) && !counted.Taken() && !o.told.Taken(), !o.told.Equal(now)
}

// tell notes that a change is about to be known.
func (p *Progress) tell(c FactChange) FactChange {
	delete(p.dirty, c.Fact)
	o := p.owners[c.Fact]
	if now, ok := c.Value.(fact.Progress); ok {
		o.told = &now
	} else {
		p.forget(c.Fact, o)
	}
	return c
}

func (p *Progress) forget(f store.Fact, o *ownerState) {
	delete(p.owners, f)
	if routes := p.routes[o.gateway]; routes != nil {
		delete(routes, f)
		if len(routes) == 0 {
			delete(p.routes, o.gateway)
		}
	}
}

// progress is the answer for an owner; gone says that nothing is left of it anywhere.
func (p *Progress) progress(f store.Fact, o *ownerState) (out fact.Progress, gone bool) {
	out.Refused = slices.Clone(p.withheld[f])
	for _, name := range p.placesOf(o) {
		out.Total++
		l := p.locations[name]
		if l == nil {
			continue
		}
		if l.taken >= o.touched && l.refused[f] == nil {
			out.Ready++
		}
		out.Refused = append(out.Refused, l.refused[f]...)
		out.Unbound = append(out.Unbound, l.unbound[f]...)
		out.Elsewhere = append(out.Elsewhere, l.elsewhere[f]...)
	}
	return out, o.resources == 0 && out.Ready == out.Total && len(out.Refused) == 0
}

// placesOf lists the proxies of an owner's locations in order; a location without one is there by its own name. What is gone has
// to go everywhere.
func (p *Progress) placesOf(o *ownerState) []string {
	places := o.places
	if gateway := p.owners[o.gateway]; gateway != nil {
		places = gateway.places
	}
	_, everywhere := places[""]
	if o.resources == 0 {
		places, everywhere = nil, true
	}
	var names []string
	served := map[string]bool{}
	for name := range p.locations {
		region := location.Region(name)
		if _, here := places[region]; here || everywhere {
			names, served[region] = append(names, name), true
		}
	}
	for region := range places {
		if region != "" && !served[region] {
			names = append(names, region)
		}
	}
	slices.Sort(names)
	return names
}
