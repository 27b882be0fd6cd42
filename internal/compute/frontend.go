package compute

import (
	"fmt"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func forwardingRule(v view, r *lbv1.Resource) (Resource, bool) {
	rule := r.GetForwardingRule()
	if rule == nil {
		return Resource{}, false
	}
	collection := "targetHttpProxies"
	if v.tls[rule.GetTargetProxy()] {
		collection = "targetHttpsProxies"
	}
	f := v.fields("forwardingRule", rule.GetRegion(), "forwardingRules", r.GetName(), rule.GetDescription())
	address := v.homeAddress(rule)
	f["IPAddress"] = address
	f["IPProtocol"] = "TCP"
	f["loadBalancingScheme"] = rule.GetScheme().String()
	f["portRange"] = fmt.Sprintf("%d-%d", rule.GetPort(), rule.GetPort())
	f["target"] = v.link(rule.GetRegion(), collection, rule.GetTargetProxy())
	// Not Google's: a proxy of its own in each location has an address of its own.
	addresses := []any{}
	for _, vip := range rule.GetVips() {
		addresses = append(addresses, map[string]any{"region": vip.GetRegion(), "IPAddress": vip.GetAddress()})
	}
	f["addressesByLocation"] = addresses
	return Resource{r.GetName(), []string{r.GetName(), rule.GetRegion(), address, "TCP", rule.GetTargetProxy()}, f}, true
}

// homeAddress is the address at the home location, the first one if it has none.
func (v view) homeAddress(rule *lbv1.ForwardingRule) string {
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

func targetHTTPProxy(v view, r *lbv1.Resource) (Resource, bool) {
	p := r.GetTargetProxy()
	if p == nil || p.GetTls() != nil {
		return Resource{}, false
	}
	region := v.regionOf(r.GetName())
	f := v.fields("targetHttpProxy", region, "targetHttpProxies", r.GetName(), p.GetDescription())
	f["urlMap"] = v.link(region, "urlMaps", p.GetUrlMap())
	addProxySettings(f, p)
	return Resource{r.GetName(), []string{r.GetName(), p.GetUrlMap()}, f}, true
}

func targetHTTPSProxy(v view, r *lbv1.Resource) (Resource, bool) {
	p := r.GetTargetProxy()
	if p.GetTls() == nil {
		return Resource{}, false
	}
	region := v.regionOf(r.GetName())
	var names []string
	links := []any{}
	for _, server := range p.GetTls().GetServerNames() {
		for _, certificate := range server.GetCertificates() {
			names = append(names, certificate)
			links = append(links, v.link(region, "sslCertificates", certificate))
		}
	}
	f := v.fields("targetHttpsProxy", region, "targetHttpsProxies", r.GetName(), p.GetDescription())
	f["urlMap"] = v.link(region, "urlMaps", p.GetUrlMap())
	f["sslCertificates"] = links
	addProxySettings(f, p)
	addTLSSettings(f, p.GetTls())
	return Resource{r.GetName(), []string{r.GetName(), strings.Join(names, ","), p.GetUrlMap()}, f}, true
}

// addProxySettings shows what a target proxy does to HTTP, under names of our own: Google's has no such fields.
func addProxySettings(f map[string]any, p *lbv1.TargetProxy) {
	if p.GetVia() != "" {
		f["via"] = p.GetVia()
	}
	if p.GetTrustedHops() != 0 {
		f["trustedHops"] = p.GetTrustedHops()
	}
	if p.GetLimits() != nil {
		f["httpLimits"] = protoFields(p.GetLimits())
	}
	if p.GetGeoDatabase() != "" {
		f["geoDatabase"] = p.GetGeoDatabase()
	}
	if len(p.GetUpgrades()) > 0 {
		f["upgrades"] = p.GetUpgrades()
	}
	if p.GetRouteExtension() != "" {
		f["lbRouteExtension"] = p.GetRouteExtension()
	}
	if p.GetTrafficExtension() != "" {
		f["lbTrafficExtension"] = p.GetTrafficExtension()
	}
	if p.GetRequestPolicy() != nil {
		f["requestPolicy"] = protoFields(p.GetRequestPolicy())
	}
}

// addTLSSettings shows what Google keeps in SSL policies and server TLS policies, by the names of their fields.
func addTLSSettings(f map[string]any, tls *lbv1.DownstreamTls) {
	if tls.GetMinVersion() != lbv1.TlsVersion_TLS_VERSION_UNSPECIFIED {
		f["minTlsVersion"] = tls.GetMinVersion().String()
	}
	if len(tls.GetCipherSuites()) > 0 {
		f["enabledFeatures"] = tls.GetCipherSuites()
	}
	if len(tls.GetAlpn()) > 0 {
		f["alpn"] = tls.GetAlpn()
	}
	servers := []any{}
	for _, server := range tls.GetServerNames() {
		name := map[string]any{"host": server.GetHost()}
		if c := server.GetClientValidation(); c != nil {
			name["clientValidationMode"] = c.GetMode().String()
		}
		servers = append(servers, name)
	}
	f["serverNames"] = servers
}

func sslCertificate(v view, r *lbv1.Resource) (Resource, bool) {
	c := r.GetSslCertificate()
	if c == nil {
		return Resource{}, false
	}
	f := v.fields("sslCertificate", "", "sslCertificates", r.GetName(), "")
	f["type"] = "SELF_MANAGED"
	f["certificate"] = string(c.GetCertificateChainPem())
	return Resource{r.GetName(), []string{r.GetName(), "SELF_MANAGED"}, f}, true
}
