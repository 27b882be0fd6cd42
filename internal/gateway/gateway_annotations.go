package gateway

import (
	"maps"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/recompute"
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
	for _, l := range s.gw.Serving {
		port, ok := s.servedPort(l)
		if !ok || seen[l.Port] {
			continue
		}
		seen[l.Port] = true
		rules = append(rules, path("forwardingRules", frontend.Rule(in, s.ref, l.Port)))
		maps = append(maps, path("urlMaps", l.URLMap))
		if !port.TLS {
			proxies = append(proxies, path("targetHttpProxies", l.URLMap))
			continue
		}
		tlsProxies = append(tlsProxies, path("targetHttpsProxies", l.URLMap))
		for _, name := range port.Certificates {
			certificates = append(certificates, path("sslCertificates", name))
		}
	}
	default404, default500 := namer.Default(namespace, 404, in.Variant()), namer.Default(namespace, 500, in.Variant())
	services := []string{path("backendServices", default404), path("backendServices", default500)}
	checks := []string{path("healthChecks", default404)}
	unchecked := s.view.First(TallyUnchecked, s.ref.String(), maxNamed)
	for _, service := range s.view.First(TallyBackends, s.ref.String(), maxNamed) {
		services = append(services, path("backendServices", service))
		if !slices.Contains(unchecked, service) {
			checks = append(checks, path("healthChecks", service))
		}
	}
	firewallScope := "global"
	if in.Region != "" {
		firewallScope = in.Region
	}
	out := map[string]string{}
	s.addExtensions(out)
	for kind, list := range map[string][]string{
		"addresses": s.addressPaths(), "backend-services": services, "forwarding-rules": rules, "health-checks": checks,
		"ssl-certificates": certificates, "target-http-proxies": proxies, "target-https-proxies": tlsProxies, "url-maps": maps,
		"firewalls": {"/projects/" + s.gw.Project + "/global/firewalls/" + namer.Firewall("default", firewallScope)},
	} {
		out[annotationPrefix+kind] = strings.Join(list[:min(len(list), maxNamed)], ", ")
	}
	return out
}

// addExtensions names what extends the Gateway's requests. As on GKE, a Gateway of one cluster has the annotations of extensions
// also if they are empty, and no Gateway has empty ones of plugins.
func (s *gatewayStatus) addExtensions(to map[string]string) {
	extensions, _ := frontend.ExtensionsOf(s.view, s.ref)
	for kind, names := range map[string]map[int32]string{"lb-route-extensions": extensions.Route, "lb-traffic-extensions": extensions.Traffic} {
		collection := "lbRouteExtensions"
		if kind == "lb-traffic-extensions" {
			collection = "lbTrafficExtensions"
		}
		var paths []string
		for _, name := range slices.Compact(slices.Sorted(maps.Values(names))) {
			paths = append(paths, s.gw.Scope.LocationPath(s.gw.Project, collection, name))
		}
		if len(paths) > 0 || !s.gw.Scope.Multi {
			to[annotationPrefix+kind] = strings.Join(paths, ", ")
		}
	}
	var plugins, versions []string
	for _, p := range extensions.Plugins {
		path := s.gw.Scope.LocationPath(s.gw.Project, "wasmPlugins", p.Name)
		plugins = append(plugins, path)
		for _, version := range p.Versions {
			versions = append(versions, path+"/versions/"+version)
		}
	}
	if len(plugins) > 0 {
		to[annotationPrefix+"wasm-plugins"] = strings.Join(plugins, ", ")
		to[annotationPrefix+"wasm-plugin-versions"] = strings.Join(versions, ", ")
	}
}

// addressPaths name one address, for a cross-regional Gateway one a region.
func (s *gatewayStatus) addressPaths() []string {
	namer := s.gw.Scope.Namer()
	if !s.gw.CrossRegional {
		return []string{s.gw.Scope.Path(s.gw.Project, "addresses", namer.Address(s.gw.Namespace, s.gw.Name, s.gw.Scope.Region))}
	}
	var out []string
	for _, vip := range s.vips {
		regional := s.gw.Scope
		regional.Region = vip.Region
		out = append(out, regional.Path(s.gw.Project, "addresses", namer.Address(s.gw.Namespace, s.gw.Name, vip.Region)))
	}
	return out
}

// servedPort is what listens on a listener's port; ok is false if nothing does.
func (s *gatewayStatus) servedPort(l Listener) (port servedPort, ok bool) {
	if l.Problem != nil {
		return servedPort{}, false
	}
	port, ok, _ = recompute.Value[servedPort](s.view, unitFrontend, frontendKey(s.ref, l.Port))
	return port, ok
}
