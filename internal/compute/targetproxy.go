package compute

import (
	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func httpProxies(v *View, r *lbv1.Resource) []Resource {
	p := r.GetTargetProxy()
	if p == nil || p.GetTls() != nil {
		return nil
	}
	region := v.regions.proxies[r.GetName()]
	return v.at(r, Location{Region: region}, "targetHttpProxies", r.GetName(), p.GetOwner(), func(head Resource) shown {
		return shown{&api.TargetHttpProxy{
			Kind: "compute#targetHttpProxy", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(region),
			CreationTimestamp: head.created(), Description: p.GetDescription(), Fingerprint: fingerprint(p),
			UrlMap: v.link(region, "urlMaps", p.GetUrlMap()), HttpKeepAliveTimeoutSec: p.GetLimits().GetIdleTimeout().GetSeconds(),
		}, ownOfProxy(p)}
	})
}

func httpsProxies(v *View, r *lbv1.Resource) []Resource {
	p := r.GetTargetProxy()
	if p.GetTls() == nil {
		return nil
	}
	region := v.regions.proxies[r.GetName()]
	return v.at(r, Location{Region: region}, "targetHttpsProxies", r.GetName(), p.GetOwner(), func(head Resource) shown {
		proxy := &api.TargetHttpsProxy{
			Kind: "compute#targetHttpsProxy", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(region),
			CreationTimestamp: head.created(), Description: p.GetDescription(), Fingerprint: fingerprint(p),
			UrlMap: v.link(region, "urlMaps", p.GetUrlMap()), HttpKeepAliveTimeoutSec: p.GetLimits().GetIdleTimeout().GetSeconds(),
		}
		for _, certificate := range certificatesOf(p.GetTls()) {
			proxy.SslCertificates = append(proxy.SslCertificates, v.link(region, "sslCertificates", certificate))
		}
		if restrictsTLS(p.GetTls()) {
			proxy.SslPolicy = v.link(region, "sslPolicies", head.Name)
		}
		return shown{proxy, ownOfProxy(p)}
	})
}

// certificatesOf are the certificates of all server names, each once.
func certificatesOf(tls *lbv1.DownstreamTls) []string {
	var out []string
	seen := map[string]bool{}
	for _, server := range tls.GetServerNames() {
		for _, certificate := range server.GetCertificates() {
			if !seen[certificate] {
				seen[certificate] = true
				out = append(out, certificate)
			}
		}
	}
	return out
}

// ownOfProxy is what a target proxy does to HTTP and TLS beyond Google's.
func ownOfProxy(p *lbv1.TargetProxy) own {
	o := own{}
	o.set("via", p.GetVia(), p.GetVia() != "")
	o.set("trustedHops", p.GetTrustedHops(), p.GetTrustedHops() != 0)
	o.set("httpLimits", protoFields(p.GetLimits()), p.GetLimits() != nil)
	o.set("geoDatabase", p.GetGeoDatabase(), p.GetGeoDatabase() != "")
	o.set("upgrades", p.GetUpgrades(), len(p.GetUpgrades()) > 0)
	o.set("requestPolicy", protoFields(p.GetRequestPolicy()), p.GetRequestPolicy() != nil)
	o.set("lbRouteExtension", p.GetRouteExtension(), p.GetRouteExtension() != "")
	o.set("lbTrafficExtension", p.GetTrafficExtension(), p.GetTrafficExtension() != "")
	o.set("alpn", p.GetTls().GetAlpn(), len(p.GetTls().GetAlpn()) > 0)
	o.set("serverNames", serverNames(p.GetTls()), p.GetTls() != nil)
	return o
}

// serverNames says which certificates a host has, and how it looks at clients' ones.
func serverNames(tls *lbv1.DownstreamTls) []map[string]any {
	out := []map[string]any{}
	for _, server := range tls.GetServerNames() {
		name := map[string]any{"host": server.GetHost(), "sslCertificates": server.GetCertificates()}
		if c := server.GetClientValidation(); c != nil {
			name["clientValidationMode"], name["trustConfigs"] = c.GetMode().String(), c.GetTrustConfigs()
		}
		out = append(out, name)
	}
	return out
}

// restrictsTLS says whether Google would need an SSL policy for what a proxy offers.
func restrictsTLS(tls *lbv1.DownstreamTls) bool {
	return tls.GetMinVersion() != lbv1.TlsVersion_TLS_VERSION_UNSPECIFIED || len(tls.GetCipherSuites()) > 0
}

// sslPolicies shows which TLS a target proxy offers, under the proxy's name, where it is not the default.
func sslPolicies(v *View, r *lbv1.Resource) []Resource {
	p := r.GetTargetProxy()
	if !restrictsTLS(p.GetTls()) {
		return nil
	}
	region := v.regions.proxies[r.GetName()]
	return v.at(r, Location{Region: region}, "sslPolicies", r.GetName(), p.GetOwner(), func(head Resource) shown {
		policy := &api.SslPolicy{
			Kind: "compute#sslPolicy", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(region),
			CreationTimestamp: head.created(), Fingerprint: fingerprint(p.GetTls()), Profile: "COMPATIBLE", MinTlsVersion: "TLS_1_2",
			EnabledFeatures: p.GetTls().GetCipherSuites(),
		}
		if len(policy.EnabledFeatures) > 0 {
			policy.Profile, policy.CustomFeatures = "CUSTOM", policy.EnabledFeatures
		}
		if v := p.GetTls().GetMinVersion(); v != lbv1.TlsVersion_TLS_VERSION_UNSPECIFIED {
			policy.MinTlsVersion = v.String()
		}
		return shown{body: policy}
	})
}
