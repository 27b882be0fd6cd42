package config

import (
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Kinds of resources: the names of the fields of the oneof in lb.v1.Resource.
const (
	kindForwardingRule = "forwarding_rule"
	kindTargetProxy    = "target_proxy"
	kindURLMap         = "url_map"
	kindRouteRule      = "route_rule"
	kindBackendService = "backend_service"
	kindGroup          = "network_endpoint_group"
	kindShard          = "endpoint_shard"
	kindHealthCheck    = "health_check"
	kindCertificate    = "ssl_certificate"
	kindTrustConfig    = "trust_config"
	kindEndpointHealth = "endpoint_health"
	kindWeights        = "weights"
)

// key identifies a resource.
type key struct{ kind, name string }

// bytes is the key in the persistent trees; kinds sort together.
func (k key) bytes() []byte {
	b := make([]byte, 0, len(k.kind)+1+len(k.name))
	return append(append(append(b, k.kind...), 0), k.name...)
}

// kindOf is "" for a resource without a body that this version knows.
func kindOf(r *lbv1.Resource) string { return lbv1.KeyOf(r).GetKind() }

// shardName is the name of a group's i-th shard.
func shardName(group string, i int) string { return group + "/" + strconv.Itoa(i) }

// references are the resources that must exist for r to be obeyed.
func references(r *lbv1.Resource) []key {
	var out []key
	add := func(kind string, names ...string) {
		for _, n := range names {
			out = append(out, key{kind, n})
		}
	}
	switch b := r.GetBody().(type) {
	case *lbv1.Resource_ForwardingRule:
		add(kindTargetProxy, b.ForwardingRule.GetTargetProxy())
	case *lbv1.Resource_TargetProxy:
		add(kindURLMap, b.TargetProxy.GetUrlMap())
		for _, n := range b.TargetProxy.GetTls().GetServerNames() {
			add(kindCertificate, n.GetCertificates()...)
			add(kindTrustConfig, n.GetClientValidation().GetTrustConfigs()...)
		}
	case *lbv1.Resource_UrlMap:
		add(kindBackendService, b.UrlMap.GetDefaultService())
	case *lbv1.Resource_RouteRule:
		add(kindURLMap, b.RouteRule.GetUrlMap())
		addMirrors(add, b.RouteRule.GetMirrors())
		for _, w := range b.RouteRule.GetForward().GetBackends() {
			add(kindBackendService, w.GetBackendService())
			addMirrors(add, w.GetMirrors())
		}
	case *lbv1.Resource_BackendService:
		addServiceReferences(add, b.BackendService)
	case *lbv1.Resource_NetworkEndpointGroup:
		for i := range int(b.NetworkEndpointGroup.GetShards()) {
			add(kindShard, shardName(r.GetName(), i))
		}
	case *lbv1.Resource_EndpointShard:
		add(kindGroup, b.EndpointShard.GetGroup())
	case *lbv1.Resource_EndpointHealth:
		add(kindHealthCheck, b.EndpointHealth.GetHealthCheck())
	case *lbv1.Resource_Weights:
		add(kindBackendService, b.Weights.GetBackendService())
		for _, g := range b.Weights.GetGroups() {
			add(kindGroup, g.GetGroup())
		}
	}
	return out
}

func addMirrors(add func(string, ...string), mirrors []*lbv1.Mirror) {
	for _, m := range mirrors {
		add(kindBackendService, m.GetBackendService())
	}
}

func addServiceReferences(add func(string, ...string), s *lbv1.BackendService) {
	if s.GetHealthCheck() != "" {
		add(kindHealthCheck, s.GetHealthCheck())
	}
	for _, g := range s.GetBackends() {
		add(kindGroup, g.GetGroup())
	}
	add(kindTrustConfig, s.GetTls().GetTrustConfigs()...)
	if c := s.GetTls().GetClientCertificate(); c != "" {
		add(kindCertificate, c)
	}
}

// readers says whether resources of the kind are compiled again when one that they refer to changes. Route rules are not:
// they hold the number of a backend service, and the URL map holds them.
func readers(kind string) bool { return kind == kindBackendService || kind == kindTargetProxy }

// place splits a name of the form PARENT/REST.
func place(name string) (parent, rest string) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}
