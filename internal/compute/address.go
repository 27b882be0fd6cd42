package compute

import (
	"cmp"

	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// addresses are those of one forwarding rule, one for each location, that no rule before it has: the rules of a Gateway
// share its addresses. An address goes by the name that was asked for, else by that of the rule.
func addresses(v *View, r *lbv1.Resource) []Resource {
	rule := r.GetForwardingRule()
	var out []Resource
	for _, vip := range rule.GetVips() {
		users := v.users[vip.GetRegion()+"/"+vip.GetAddress()]
		if users[0] != r.GetName() {
			continue
		}
		name := cmp.Or(vip.GetName(), users[0])
		out = append(out, v.at(r, Location{Region: vip.GetRegion()}, "addresses", name, rule.GetOwner(), func(head Resource) shown {
			return shown{body: v.address(head, rule, vip, users)}
		})...)
	}
	return out
}

func (v *View) address(head Resource, rule *lbv1.ForwardingRule, vip *lbv1.Vip, users []string) *api.Address {
	a := &api.Address{
		Kind: "compute#address", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(vip.GetRegion()),
		CreationTimestamp: head.created(), Description: rule.GetDescription(), LabelFingerprint: noLabels,
		Address: vip.GetAddress(), AddressType: "EXTERNAL", IpVersion: ipVersion(vip.GetAddress()), Status: "IN_USE",
	}
	if rule.GetScheme() == lbv1.LoadBalancingScheme_INTERNAL_MANAGED {
		a.AddressType = "INTERNAL"
	}
	for _, user := range users {
		a.Users = append(a.Users, v.link(rule.GetRegion(), "forwardingRules", user))
	}
	return a
}
