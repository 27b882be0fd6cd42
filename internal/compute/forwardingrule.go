package compute

import (
	"fmt"
	"net/netip"

	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func forwardingRules(v *View, r *lbv1.Resource) []Resource {
	rule := r.GetForwardingRule()
	if rule == nil {
		return nil
	}
	return v.at(r, Location{Region: rule.GetRegion()}, "forwardingRules", r.GetName(), rule.GetOwner(), func(head Resource) shown {
		return shown{v.forwardingRule(head, rule), own{"addresses": v.addressesByLocation(rule)}}
	})
}

func (v *View) forwardingRule(head Resource, rule *lbv1.ForwardingRule) *api.ForwardingRule {
	address := v.homeAddress(rule)
	f := &api.ForwardingRule{
		Kind: "compute#forwardingRule", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(rule.GetRegion()),
		CreationTimestamp: head.created(), Description: rule.GetDescription(), Fingerprint: fingerprint(rule), LabelFingerprint: noLabels,
		IPAddress: address, IPProtocol: "TCP", IpVersion: ipVersion(address), LoadBalancingScheme: scheme(rule.GetScheme()),
		PortRange: fmt.Sprintf("%d-%d", rule.GetPort(), rule.GetPort()),
		Target:    v.link(rule.GetRegion(), v.proxyCollection(rule.GetTargetProxy()), rule.GetTargetProxy()),
	}
	for _, path := range v.extended[head.Name] {
		f.AttachedExtensions = append(f.AttachedExtensions, &api.ForwardingRuleAttachedExtension{Reference: networkServicesURL + path})
	}
	return f
}

// proxyCollection is the collection of a target proxy.
func (v *View) proxyCollection(proxy string) string {
	if v.tls[proxy] {
		return "targetHttpsProxies"
	}
	return "targetHttpProxies"
}

// addressesByLocation are those of the proxies, one in each location; Google's global load balancers have one for all.
func (v *View) addressesByLocation(rule *lbv1.ForwardingRule) []map[string]string {
	addresses := []map[string]string{}
	for _, vip := range rule.GetVips() {
		addresses = append(addresses, map[string]string{"region": vip.GetRegion(), "IPAddress": vip.GetAddress()})
	}
	return addresses
}

// homeAddress is the address at the home location, the first one if it has none.
func (v *View) homeAddress(rule *lbv1.ForwardingRule) string {
	for _, vip := range rule.GetVips() {
		if vip.GetRegion() == v.Home || vip.GetRegion() == "" {
			return vip.GetAddress()
		}
	}
	if len(rule.GetVips()) > 0 {
		return rule.GetVips()[0].GetAddress()
	}
	return ""
}

func ipVersion(address string) string {
	a, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return ""
	case a.Is4():
		return "IPV4"
	}
	return "IPV6"
}
