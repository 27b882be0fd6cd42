package compute

import (
	"cmp"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// addresses are those of one forwarding rule, one for each location, that no rule before it has: the rules of a Gateway
// share its addresses. An address goes by the name that the Gateway asks for, else by that of the rule.
func addresses(v view, r *lbv1.Resource) []Resource {
	rule := r.GetForwardingRule()
	var out []Resource
	for _, vip := range rule.GetVips() {
		users := v.users[vip.GetRegion()+"/"+vip.GetAddress()]
		if users[0] == r.GetName() {
			out = append(out, v.address(rule, vip, users))
		}
	}
	return out
}

func (v view) address(rule *lbv1.ForwardingRule, vip *lbv1.Vip, users []string) Resource {
	name := cmp.Or(vip.GetName(), users[0])
	f := v.fields("address", vip.GetRegion(), "addresses", name, rule.GetDescription())
	f["address"] = vip.GetAddress()
	f["addressType"] = "EXTERNAL"
	if rule.GetScheme() == lbv1.LoadBalancingScheme_INTERNAL_MANAGED {
		f["addressType"] = "INTERNAL"
	}
	f["status"] = "IN_USE"
	links := []any{}
	for _, user := range users {
		links = append(links, v.link(rule.GetRegion(), "forwardingRules", user))
	}
	f["users"] = links
	cells := []string{name, vip.GetAddress(), f["addressType"].(string), "", "", vip.GetRegion(), "", "IN_USE"}
	return Resource{name, cells, f}
}
