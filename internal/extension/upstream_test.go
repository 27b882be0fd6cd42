package extension_test

import (
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

const globalGateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: store}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 80}]
`

const usesPlugin = `
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: traffic, namespace: store}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]
  extensionChains:
  - name: c
    extensions: [{name: e, supportedEvents: [RequestHeaders], backendRef: {group: networking.gke.io, kind: GCPWasmPlugin, name: p}}]
`

const callingPlugin = `
kind: GCPWasmPlugin
apiVersion: networking.gke.io/v1
metadata: {name: p, namespace: store, annotations: {spillway.dev/wasm-profile: full}}
spec:
  versions: [{name: v1, image: i, weight: 1}]
  upstreams:
  - {name: authz, backendRef: {name: authz, namespace: auth, port: 8080}}
`

const authzService = `
apiVersion: v1
kind: Service
metadata: {name: authz, namespace: auth}
spec: {selector: {app: authz}, ports: [{port: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: authz-1, namespace: auth, labels: {kubernetes.io/service-name: authz}}
addressType: IPv4
ports: [{port: 8080, protocol: TCP}]
endpoints: [{addresses: [10.0.0.9], zone: us-west1-a}]
`

const authzGrant = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: plugins, namespace: auth}
spec:
  from: [{group: networking.gke.io, kind: GCPWasmPlugin, namespace: store}]
  to: [{group: "", kind: Service}]
`

// pulled says that the plugin's image is there.
func (w *world) pulled() {
	w.fact(fact.ImageOf(fact.ImageRequest{
		Plugin: store.Ref{Cluster: spillwayv1alpha1.DefaultClusterName, Kind: kind.GCPWasmPlugin, Namespace: "store", Name: "p"}, Version: "v1", Image: "i", Full: true,
	}), fact.Image{Digest: "sha256:1"})
}

// upstream is the only one of the published plugin: its backend service, or "fault: " and why there is none; "none" without one.
func (w *world) upstream() string {
	w.t.Helper()
	for _, r := range w.resources {
		if p := r.GetWasmPlugin(); p != nil && len(p.GetUpstreams()) == 1 {
			if u := p.GetUpstreams()[0]; u.GetFault() != "" {
				return "fault: " + u.GetFault()
			}
			return p.GetUpstreams()[0].GetBackendService()
		}
	}
	return "none"
}

// A plugin gets what it may call with its grant, and loses it with that.
func TestUpstreamsFollowTheirGrant(t *testing.T) {
	w := newWorld(t, globalGateway, usesPlugin, callingPlugin, authzService)
	w.pulled()
	const refused = `spec.upstreams[0]: Service auth/authz is in another namespace and no ReferenceGrant there allows the reference`
	if got := w.upstream(); got != "fault: "+refused {
		t.Errorf("without a grant: %s", got)
	}
	if got := w.condition(kind.GCPWasmPlugin, "p", "ResolvedRefs"); got != "False RefNotPermitted "+refused {
		t.Errorf("without a grant ResolvedRefs is %q", got)
	}
	w.load("grant.yaml", authzGrant)
	service := w.upstream()
	if b := w.resource("backend_service", service).GetBackendService(); b.GetTarget() != "auth/authz:8080" || b.GetScheme() != lbv1.LoadBalancingScheme_EXTERNAL_MANAGED {
		t.Errorf("with a grant the upstream is %q: %v", service, b)
	}
	if got := w.condition(kind.GCPWasmPlugin, "p", "ResolvedRefs"); got != "True ResolvedRefs" {
		t.Errorf("with a grant ResolvedRefs is %q", got)
	}
	w.load("grant.yaml", "")
	if got := w.upstream(); got != "fault: "+refused {
		t.Errorf("when the grant has gone: %s", got)
	}
	if w.resource("backend_service", service) != nil {
		t.Error("the backend service is left")
	}
	w.load("grant.yaml", authzGrant)
	w.load("1.yaml", "") // the extension
	if got := w.upstream(); got != "none" {
		t.Errorf("nobody uses the plugin: %s", got)
	}
}

// What an upstream needs is told on the plugin, in the words that extensions have for it.
func TestUpstreamsThatLeadNowhere(t *testing.T) {
	for name, c := range map[string]struct{ plugin, service, condition, want string }{
		"no Service":            {callingPlugin, "", "ResolvedRefs", `False ExtensionServiceNotFound spec.upstreams[0]: Service "auth/authz" or its port 8080 not found`},
		"no such port":          {strings.Replace(callingPlugin, "8080", "8081", 1), authzService, "ResolvedRefs", `False ExtensionServiceNotFound spec.upstreams[0]: Service "auth/authz" or its port 8081 not found`},
		"no endpoint":           {callingPlugin, strings.Replace(authzService, "[{addresses: [10.0.0.9], zone: us-west1-a}]", "[]", 1), "Programmed", `False ProgrammingFailed no network endpoints found for service "authz"`},
		"nothing of the kind":   {callingPlugin, strings.Replace(authzService, "port: 8080}", "port: 8080, appProtocol: mongo}", 1), "Accepted", `False InvalidExtensionService spec.upstreams[0]: Service "auth/authz": appProtocol "mongo" of port 8080 is not supported`},
		"the profile of Google": {strings.Replace(callingPlugin, "full", "gcp", 1), authzService, "Accepted", `False InvalidGCPWasmPlugin spec.upstreams: a plugin that calls out takes the annotation spillway.dev/wasm-profile: full`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, globalGateway, usesPlugin, c.plugin, authzGrant, c.service)
			w.pulled()
			if got := w.condition(kind.GCPWasmPlugin, "p", c.condition); got != c.want {
				t.Errorf("%s is %q, want %q", c.condition, got, c.want)
			}
		})
	}
}
