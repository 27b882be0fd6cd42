package config

import (
	"errors"
	"fmt"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
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

	kindRouteExtension   = "lb_route_extension"
	kindTrafficExtension = "lb_traffic_extension"
	kindWasmPlugin       = "wasm_plugin"
	kindWasmVersion      = "wasm_plugin_version"
)

// kind is what has to be known of a kind of resource. What becomes of its compiled form is in build.go.
type kind struct {
	// references are the resources that must exist for one to be obeyed.
	references func(r *lbv1.Resource, add func(kind string, names ...string))
	// whole is the kind of which one is a part, "" if of none.
	whole string
	// compile checks a changed resource and compiles what does not depend on state that outlives it. c.new is not nil.
	compile func(e *edit, c *change) (any, error)
	// reader: it is compiled again when one that it refers to changes. Route rules are not: they hold the number of a
	// backend service, and the URL map holds them.
	reader bool
	// spreads: who refers to one, and is a reader, is compiled again when it changes, and so on. Kinds that chains of
	// extensions are made of spread up to their target proxies.
	spreads bool
	// named says what metrics are named after, "" if nothing: see Root.Removals.
	named func(r *lbv1.Resource) string
}

// kinds has a row for each field of the oneof (TestEveryKindHasARow).
var kinds = map[string]kind{
	kindForwardingRule: {
		references: func(r *lbv1.Resource, add func(string, ...string)) {
			add(kindTargetProxy, r.GetForwardingRule().GetTargetProxy())
		},
		compile: checked(func(r *lbv1.Resource) error { return checkForwardingRule(r.GetForwardingRule()) }),
		named:   (*lbv1.Resource).GetName,
	},
	kindTargetProxy: {
		references: func(r *lbv1.Resource, add func(string, ...string)) { addTargetProxy(r.GetTargetProxy(), add) },
		compile: func(e *edit, c *change) (any, error) {
			return e.compileTargetProxy(c.key.name, c.new.resource.GetTargetProxy())
		},
		reader: true,
	},
	kindURLMap: {
		references: func(r *lbv1.Resource, add func(string, ...string)) {
			add(kindBackendService, r.GetUrlMap().GetDefaultService())
		},
		compile: func(e *edit, c *change) (any, error) { return nil, e.checkURLMap(c) },
	},
	kindRouteRule: {
		whole:      kindURLMap,
		references: func(r *lbv1.Resource, add func(string, ...string)) { addRouteRule(r.GetRouteRule(), add) },
		compile: func(e *edit, c *change) (any, error) {
			return e.compileRule(c.key.name, c.new.resource.GetRouteRule())
		},
		named: func(r *lbv1.Resource) string { return r.GetRouteRule().GetRoute() },
	},
	kindBackendService: {
		references: func(r *lbv1.Resource, add func(string, ...string)) { addBackendService(r.GetBackendService(), add) },
		compile:    checked(func(r *lbv1.Resource) error { return checkBackendService(r.GetBackendService()) }),
		reader:     true,
		named:      (*lbv1.Resource).GetName,
	},
	kindGroup: {
		references: func(r *lbv1.Resource, add func(string, ...string)) {
			for i := range int(r.GetNetworkEndpointGroup().GetShards()) {
				add(kindShard, shardName(r.GetName(), i))
			}
		},
		compile: func(e *edit, c *change) (any, error) { return nil, e.checkGroup(c) },
	},
	kindShard: {
		whole:      kindGroup,
		references: func(r *lbv1.Resource, add func(string, ...string)) { add(kindGroup, r.GetEndpointShard().GetGroup()) },
		compile: func(e *edit, c *change) (any, error) {
			return e.compileShard(c.key.name, c.new.resource.GetEndpointShard())
		},
	},
	kindHealthCheck: {
		references: func(*lbv1.Resource, func(string, ...string)) {},
		compile: func(_ *edit, c *change) (any, error) {
			if c.old != nil {
				return c.old.compiled, checkHealthCheck(c.new.resource.GetHealthCheck())
			}
			return balance.NewCheck(c.key.name), checkHealthCheck(c.new.resource.GetHealthCheck())
		},
	},
	kindCertificate: {
		references: func(*lbv1.Resource, func(string, ...string)) {},
		compile: checked(func(r *lbv1.Resource) error {
			_, err := proxytls.ParseCertificate(r.GetSslCertificate())
			return err
		}),
	},
	kindTrustConfig: {
		references: func(*lbv1.Resource, func(string, ...string)) {},
		compile: checked(func(r *lbv1.Resource) error {
			_, err := proxytls.ParseTrustConfig(r.GetTrustConfig())
			return err
		}),
	},
	kindEndpointHealth: {
		whole: kindHealthCheck,
		references: func(r *lbv1.Resource, add func(string, ...string)) {
			add(kindHealthCheck, r.GetEndpointHealth().GetHealthCheck())
		},
		compile: func(_ *edit, c *change) (any, error) {
			return compileEndpointHealth(c.key.name, c.new.resource.GetEndpointHealth())
		},
	},
	kindWeights: {
		whole: kindBackendService,
		references: func(r *lbv1.Resource, add func(string, ...string)) {
			add(kindBackendService, r.GetWeights().GetBackendService())
			for _, g := range r.GetWeights().GetGroups() {
				add(kindGroup, g.GetGroup())
			}
		},
		compile: func(_ *edit, c *change) (any, error) {
			return nil, checkWeights(c.key.name, c.new.resource.GetWeights())
		},
	},
	kindRouteExtension: {
		references: func(r *lbv1.Resource, add func(string, ...string)) { addExtension(r.GetLbRouteExtension(), add) },
		compile:    ofExtensions,
		reader:     true,
		spreads:    true,
	},
	kindTrafficExtension: {
		references: func(r *lbv1.Resource, add func(string, ...string)) { addExtension(r.GetLbTrafficExtension(), add) },
		compile:    ofExtensions,
		reader:     true,
		spreads:    true,
	},
	kindWasmPlugin: {
		references: func(r *lbv1.Resource, add func(string, ...string)) {
			add(kindWasmVersion, r.GetWasmPlugin().GetMainVersion())
			for _, u := range r.GetWasmPlugin().GetUpstreams() {
				if u.GetBackendService() != "" {
					add(kindBackendService, u.GetBackendService())
				}
			}
		},
		compile: func(e *edit, c *change) (any, error) {
			if err := checkUpstreams(c.new.resource.GetWasmPlugin()); err != nil {
				return nil, err
			}
			return ofExtensions(e, c)
		},
		reader:  true,
		spreads: true,
	},
	// Versions don't name their plugin as what they are a part of: a location holds only the one that runs.
	kindWasmVersion: {
		references: func(*lbv1.Resource, func(string, ...string)) {},
		compile:    ofExtensions,
		spreads:    true,
	},
}

// checked is the compile of a kind whose resources are looked at alone and have no compiled form.
func checked(check func(*lbv1.Resource) error) func(*edit, *change) (any, error) {
	return func(_ *edit, c *change) (any, error) { return nil, check(c.new.resource) }
}

// compile is that of the resource's kind.
func (e *edit) compile(c *change) (any, error) { return kinds[c.key.kind].compile(e, c) }

// references are the resources that must exist for r to be obeyed.
func references(r *lbv1.Resource) []key {
	var out []key
	kinds[kindOf(r)].references(r, func(kind string, names ...string) {
		for _, n := range names {
			out = append(out, key{kind, n})
		}
	})
	return out
}

func addTargetProxy(p *lbv1.TargetProxy, add func(string, ...string)) {
	add(kindURLMap, p.GetUrlMap())
	for _, n := range p.GetTls().GetServerNames() {
		add(kindCertificate, n.GetCertificates()...)
		add(kindTrustConfig, n.GetClientValidation().GetTrustConfigs()...)
	}
	if n := p.GetRouteExtension(); n != "" {
		add(kindRouteExtension, n)
	}
	if n := p.GetTrafficExtension(); n != "" {
		add(kindTrafficExtension, n)
	}
}

func addExtension(x *lbv1.LbExtension, add func(string, ...string)) {
	for _, c := range x.GetChains() {
		for _, e := range c.GetExtensions() {
			if n := e.GetBackendService(); n != "" {
				add(kindBackendService, n)
			}
			if n := e.GetWasmPlugin(); n != "" {
				add(kindWasmPlugin, n)
			}
		}
	}
}

// ofExtensions is the compile of what chains are made of: what makes the chains looks at it (extension.Provider).
func ofExtensions(e *edit, _ *change) (any, error) {
	if e.old.chains == nil {
		return nil, errNoExtensions
	}
	return nil, nil
}

// checkUpstreams wants each name once, and each to lead somewhere, or to say why not.
func checkUpstreams(p *lbv1.WasmPlugin) error {
	seen := map[string]bool{}
	for _, u := range p.GetUpstreams() {
		switch {
		case u.GetName() == "" || seen[u.GetName()]:
			return fmt.Errorf("upstream %q has no name, or is there twice", u.GetName())
		case (u.GetBackendService() == "") == (u.GetFault() == ""):
			return fmt.Errorf("upstream %q has neither a backend service nor a fault, or both", u.GetName())
		}
		seen[u.GetName()] = true
	}
	return nil
}

// errNoExtensions keeps what this proxy can't run from being passed by.
var errNoExtensions = errors.New("this proxy does not run extensions")

func addRouteRule(r *lbv1.RouteRule, add func(string, ...string)) {
	add(kindURLMap, r.GetUrlMap())
	addMirrors(r.GetMirrors(), add)
	for _, w := range r.GetForward().GetBackends() {
		add(kindBackendService, w.GetBackendService())
		addMirrors(w.GetMirrors(), add)
	}
}

func addMirrors(mirrors []*lbv1.Mirror, add func(string, ...string)) {
	for _, m := range mirrors {
		add(kindBackendService, m.GetBackendService())
	}
}

func addBackendService(s *lbv1.BackendService, add func(string, ...string)) {
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
