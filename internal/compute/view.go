package compute

import (
	"cmp"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// view is a model with what the collections look up: each resource is looked at once.
type view struct {
	Model
	rules   map[string][]*lbv1.RouteRule // by URL map, in order
	shards  map[string]int               // NEG to number of endpoints
	users   map[string][]string          // REGION/ADDRESS to forwarding rules, in order of name
	regions map[string]string            // target proxy, and the URL map of its name, to the region of the rule that leads there
	tls     map[string]bool              // target proxies that end TLS
	checked map[string]string            // health check to the region of a backend service that has it

	extensions map[string]string   // lb_traffic_extension to its region
	calling    map[string][]string // wasm_plugin to the lb_traffic_extensions that name it, in order of name
}

func newView(m Model) view {
	v := view{
		Model: m, rules: map[string][]*lbv1.RouteRule{}, shards: map[string]int{}, users: map[string][]string{},
		regions: map[string]string{}, tls: map[string]bool{}, checked: map[string]string{},
		extensions: map[string]string{}, calling: map[string][]string{},
	}
	for _, r := range m.GetResources() {
		v.take(r)
	}
	for _, users := range v.users {
		slices.Sort(users)
	}
	for plugin, users := range v.calling {
		slices.Sort(users)
		v.calling[plugin] = slices.Compact(users)
	}
	for _, rules := range v.rules {
		slices.SortFunc(rules, func(a, b *lbv1.RouteRule) int {
			return cmp.Or(cmp.Compare(a.GetListenerHost(), b.GetListenerHost()), cmp.Compare(a.GetHost(), b.GetHost()),
				cmp.Compare(a.GetPrecedence(), b.GetPrecedence()))
		})
	}
	return v
}

func (v view) take(r *lbv1.Resource) {
	switch body := r.GetBody().(type) {
	case *lbv1.Resource_ForwardingRule:
		rule := body.ForwardingRule
		for _, vip := range rule.GetVips() {
			key := vip.GetRegion() + "/" + vip.GetAddress()
			v.users[key] = append(v.users[key], r.GetName())
		}
		if _, known := v.regions[rule.GetTargetProxy()]; !known {
			v.regions[rule.GetTargetProxy()] = rule.GetRegion()
		}
	case *lbv1.Resource_TargetProxy:
		v.tls[r.GetName()] = body.TargetProxy.GetTls() != nil
	case *lbv1.Resource_RouteRule:
		v.rules[body.RouteRule.GetUrlMap()] = append(v.rules[body.RouteRule.GetUrlMap()], body.RouteRule)
	case *lbv1.Resource_BackendService:
		v.checked[body.BackendService.GetHealthCheck()] = body.BackendService.GetRegion()
	case *lbv1.Resource_LbTrafficExtension:
		v.extensions[r.GetName()] = body.LbTrafficExtension.GetRegion()
		for _, c := range body.LbTrafficExtension.GetChains() {
			for _, e := range c.GetExtensions() {
				if plugin := e.GetWasmPlugin(); plugin != "" {
					v.calling[plugin] = append(v.calling[plugin], r.GetName())
				}
			}
		}
	case *lbv1.Resource_EndpointShard:
		v.shards[body.EndpointShard.GetGroup()] += len(body.EndpointShard.GetEndpoints())
	}
}

// regionOf is the region of the forwarding rule that leads to a target proxy, "" for a global one.
func (v view) regionOf(proxy string) string { return v.regions[proxy] }
