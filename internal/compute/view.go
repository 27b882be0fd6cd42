package compute

import (
	"cmp"
	"slices"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/googlejson"
	"github.com/spillway-lb/spillway/internal/names"
)

// Model is what collections are views of.
type Model struct {
	*lbv1.Model
	// Project is the project id that paths show.
	Project string
	// Home is the region whose address a forwarding rule shows as its own.
	Home string
	// Created tells the age of what was made for an object; nil knows none.
	Created func(*lbv1.Owner) time.Time
	// JSON writes resources. It learns types, and so is best kept from one view to the next; nil is a new one.
	JSON *googlejson.Encoder
}

// View is a model with what the collections look up: each resource is looked at once.
type View struct {
	Model
	rules    map[string][]*lbv1.RouteRule // by URL map, in order
	sizes    map[string]int               // NEG to number of endpoints
	shards   map[string][]*lbv1.EndpointShard
	users    map[string][]string // REGION/ADDRESS to forwarding rules, in order of name
	tls      map[string]bool     // target proxies that end TLS
	extended map[string][]string // forwarding rule to paths of what extends it
	used     map[string][]string // NEG to backend services, in order of name
	versions map[string][]*lbv1.Resource
	regions  regions
	owners   map[string]*lbv1.Owner // NEG to the owner of a backend service that uses it
	checks   map[string]string      // backend service to its health check
	calling  map[string][]string    // Wasm plugin to the traffic extensions that name it, in order of name
}

// regions are where resources are that do not say so themselves, by name.
type regions struct {
	proxies, urlMaps, services, checks, certificates, extensions map[string]string
}

// NewView reads a model, whose resources must not change any more.
func NewView(m Model) *View {
	if m.JSON == nil {
		m.JSON = &googlejson.Encoder{}
	}
	v := &View{
		Model: m, rules: map[string][]*lbv1.RouteRule{}, sizes: map[string]int{}, shards: map[string][]*lbv1.EndpointShard{},
		users: map[string][]string{}, tls: map[string]bool{}, extended: map[string][]string{}, used: map[string][]string{},
		versions: map[string][]*lbv1.Resource{}, owners: map[string]*lbv1.Owner{}, checks: map[string]string{},
		calling: map[string][]string{},
		regions: regions{
			map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{},
		},
	}
	for _, r := range m.GetResources() {
		v.take(r)
	}
	// Only now it is known where forwarding rules lead.
	for _, r := range m.GetResources() {
		v.takeProxy(r.GetName(), r.GetTargetProxy())
	}
	v.sort()
	return v
}

func (v *View) take(r *lbv1.Resource) {
	switch body := r.GetBody().(type) {
	case *lbv1.Resource_ForwardingRule:
		v.takeForwardingRule(r.GetName(), body.ForwardingRule)
	case *lbv1.Resource_RouteRule:
		v.rules[body.RouteRule.GetUrlMap()] = append(v.rules[body.RouteRule.GetUrlMap()], body.RouteRule)
	case *lbv1.Resource_BackendService:
		v.takeBackendService(r.GetName(), body.BackendService)
	case *lbv1.Resource_LbRouteExtension:
		v.takeExtension("lbRouteExtensions", r.GetName(), body.LbRouteExtension)
	case *lbv1.Resource_LbTrafficExtension:
		v.takeExtension("lbTrafficExtensions", r.GetName(), body.LbTrafficExtension)
		v.regions.extensions[r.GetName()] = body.LbTrafficExtension.GetRegion()
		v.takeCalls(r.GetName(), body.LbTrafficExtension)
	case *lbv1.Resource_WasmPluginVersion:
		v.versions[body.WasmPluginVersion.GetPlugin()] = append(v.versions[body.WasmPluginVersion.GetPlugin()], r)
	case *lbv1.Resource_EndpointShard:
		group := body.EndpointShard.GetGroup()
		v.sizes[group] += len(body.EndpointShard.GetEndpoints())
		v.shards[group] = append(v.shards[group], body.EndpointShard)
	}
}

func (v *View) takeForwardingRule(name string, rule *lbv1.ForwardingRule) {
	for _, vip := range rule.GetVips() {
		key := vip.GetRegion() + "/" + vip.GetAddress()
		v.users[key] = append(v.users[key], name)
	}
	if _, known := v.regions.proxies[rule.GetTargetProxy()]; !known {
		v.regions.proxies[rule.GetTargetProxy()] = rule.GetRegion()
	}
}

// takeProxy puts what a target proxy names where its forwarding rule is.
func (v *View) takeProxy(name string, p *lbv1.TargetProxy) {
	if p == nil {
		return
	}
	region := v.regions.proxies[name]
	v.regions.urlMaps[p.GetUrlMap()] = region
	v.tls[name] = p.GetTls() != nil
	for _, server := range p.GetTls().GetServerNames() {
		for _, certificate := range server.GetCertificates() {
			v.regions.certificates[certificate] = region
		}
	}
}

func (v *View) takeBackendService(name string, s *lbv1.BackendService) {
	v.regions.services[name] = s.GetRegion()
	v.regions.checks[s.GetHealthCheck()] = s.GetRegion()
	v.checks[name] = s.GetHealthCheck()
	for _, b := range s.GetBackends() {
		v.used[b.GetGroup()] = append(v.used[b.GetGroup()], name)
		if v.owners[b.GetGroup()] == nil {
			v.owners[b.GetGroup()] = s.GetOwner()
		}
	}
}

func (v *View) takeExtension(collection, name string, x *lbv1.LbExtension) {
	for _, rule := range x.GetForwardingRules() {
		v.extended[rule] = append(v.extended[rule], InLocation(v.Project, x.GetRegion(), collection, name))
	}
}

// takeCalls notes the plugins that an extension names.
func (v *View) takeCalls(name string, x *lbv1.LbExtension) {
	for _, c := range x.GetChains() {
		for _, e := range c.GetExtensions() {
			if plugin := e.GetWasmPlugin(); plugin != "" {
				v.calling[plugin] = append(v.calling[plugin], name)
			}
		}
	}
}

func (v *View) sort() {
	for _, index := range []map[string][]string{v.users, v.extended, v.used, v.calling} {
		for key, names := range index {
			slices.Sort(names)
			index[key] = slices.Compact(names)
		}
	}
	for _, shards := range v.shards {
		slices.SortFunc(shards, func(a, b *lbv1.EndpointShard) int { return cmp.Compare(a.GetIndex(), b.GetIndex()) })
	}
	for _, rules := range v.rules {
		slices.SortFunc(rules, func(a, b *lbv1.RouteRule) int {
			return cmp.Or(cmp.Compare(a.GetListenerHost(), b.GetListenerHost()), cmp.Compare(a.GetHost(), b.GetHost()),
				cmp.Compare(a.GetPrecedence(), b.GetPrecedence()))
		})
	}
}

// Resources returns the members of a collection in order of name.
func (v *View) Resources(c Collection) []Resource {
	var out []Resource
	for _, r := range v.GetResources() {
		out = append(out, c.members(v, r)...)
	}
	slices.SortStableFunc(out, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Path, b.Path))
	})
	return out
}

// Users are the backend services that use a NEG, as paths.
func (v *View) Users(zone, group string) []string {
	var out []string
	for _, name := range v.used[names.Group(zone, group)] {
		out = append(out, Path(v.Project, Location{Region: v.regions.services[name]}, "backendServices", name))
	}
	return out
}

// at makes a resource of the Compute API.
func (v *View) at(r *lbv1.Resource, where Location, collection, name string, owner *lbv1.Owner, show func(Resource) shown) []Resource {
	return []Resource{{
		Name: name, Location: where, Path: Path(v.Project, where, collection, name), Created: v.created(owner), Source: r, show: show, json: v.JSON,
	}}
}

// inLocation makes a resource of the Network Services API.
func (v *View) inLocation(r *lbv1.Resource, region, collection, name string, owner *lbv1.Owner, show func(Resource) shown) []Resource {
	return []Resource{{
		Name: name, Location: Location{Region: region}, Path: InLocation(v.Project, region, collection, name), Created: v.created(owner),
		Source: r, show: show, json: v.JSON,
	}}
}

func (v *View) created(owner *lbv1.Owner) time.Time {
	if v.Created == nil {
		return time.Time{}
	}
	return v.Created(owner)
}

// link is a resource's URL; region "" is global.
func (v *View) link(region, collection, name string) string {
	return Link(v.Project, Location{Region: region}, collection, name)
}

// service is the URL of a backend service.
func (v *View) service(name string) string {
	if name == "" {
		return ""
	}
	return v.link(v.regions.services[name], "backendServices", name)
}

// regionLink is the URL of a region, "" for everywhere.
func (v *View) regionLink(region string) string {
	if region == "" {
		return ""
	}
	return computeURL + "projects/" + v.Project + "/regions/" + region
}
