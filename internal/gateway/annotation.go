package gateway

import (
	"strings"

	"github.com/spillway-lb/spillway/internal/frontend"
)

// annotationPrefix is that of the annotations that name a Gateway's resources.
const annotationPrefix = "networking.gke.io/"

// maxNamed is how many resources one annotation names. A name takes up to 130 bytes, and an API server refuses more
// than 256 KiB of annotations on an object; the whole list is in `spillway get`.
const maxNamed = 500

// annotations name the Gateway's load balancer resources. last-reconcile-time is the writer's.
func (s *gatewayStatus) annotations() map[string]string {
	in, namer := s.gw.Scope, s.gw.Scope.Namer()
	namespace := s.gw.Namespace
	path := func(collection, resource string) string { return in.Path(s.gw.Project, collection, resource) }
	var rules, proxies, tlsProxies, maps, certificates []string
	seen := map[int32]bool{}
	for i, l := range s.gw.Listeners {
		if !s.served(i) {
			continue
		}
		if l.TLS {
			certificates = append(certificates, s.certificateNames(i)...)
		}
		if seen[l.Port] {
			continue
		}
		seen[l.Port] = true
		rules = append(rules, path("forwardingRules", frontend.Rule(in, s.ref, l.Port)))
		maps = append(maps, path("urlMaps", l.URLMap))
		if l.TLS {
			tlsProxies = append(tlsProxies, path("targetHttpsProxies", l.URLMap))
		} else {
			proxies = append(proxies, path("targetHttpProxies", l.URLMap))
		}
	}
	default404, default500 := namer.Default(namespace, 404, in.Variant()), namer.Default(namespace, 500, in.Variant())
	services := []string{path("backendServices", default404), path("backendServices", default500)}
	checks := []string{path("healthChecks", default404)}
	for _, service := range s.view.First(tallyBackends, s.ref.String(), maxNamed) {
		services = append(services, path("backendServices", service))
		checks = append(checks, path("healthChecks", service))
	}
	firewallScope := "global"
	if in.Region != "" {
		firewallScope = in.Region
	}
	out := map[string]string{}
	for kind, list := range map[string][]string{
		"addresses": s.addressPaths(), "backend-services": services, "forwarding-rules": rules, "health-checks": checks,
		"ssl-certificates": certificates, "target-http-proxies": proxies, "target-https-proxies": tlsProxies, "url-maps": maps,
		"firewalls": {"/projects/" + s.gw.Project + "/global/firewalls/" + namer.Firewall("default", firewallScope)},
	} {
		out[annotationPrefix+kind] = strings.Join(list, ", ")
	}
	return out
}

// addressPaths name one address, for a cross-regional Gateway one a region.
func (s *gatewayStatus) addressPaths() []string {
	namer := s.gw.Scope.Namer()
	if !s.gw.CrossRegional {
		return []string{s.gw.Scope.Path(s.gw.Project, "addresses", namer.Address(s.gw.Namespace, s.gw.Name, s.gw.Scope.Region))}
	}
	var out []string
	for _, vip := range s.addresses.VIPs {
		regional := s.gw.Scope
		regional.Region = vip.GetRegion()
		out = append(out, regional.Path(s.gw.Project, "addresses", namer.Address(s.gw.Namespace, s.gw.Name, vip.GetRegion())))
	}
	return out
}

func (s *gatewayStatus) certificateNames(i int) []string {
	l := &s.gw.Listeners[i]
	c, ok := certificatesOf(s.view, s.ref, l.Name)
	if !ok {
		return nil
	}
	var out []string
	for _, name := range c.Names {
		out = append(out, s.gw.Scope.Path(s.gw.Project, "sslCertificates", name))
	}
	return out
}
