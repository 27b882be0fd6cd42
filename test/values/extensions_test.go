package values

import (
	"fmt"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
)

// extended is a Gateway of a value's own, and what extensions of all values call.
const extended = `
---
apiVersion: v1
kind: Service
metadata: {name: callout, namespace: default}
spec: {selector: {app: callout}, ports: [{name: main, port: 443, appProtocol: HTTP2}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: callout-1, namespace: default, labels: {kubernetes.io/service-name: callout}}
addressType: IPv4
ports: [{name: main, port: 8443, protocol: TCP}]
endpoints: [{addresses: [10.0.0.1], zone: us-west1-a}]
---
apiVersion: networking.gke.io/v1
kind: GCPWasmPlugin
metadata: {name: plugin, namespace: default}
spec: {versions: [{name: a, image: i, weight: 1}]}
`

func gatewayOf(own string) object {
	return object{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": object{"name": own, "namespace": "default"},
		"spec": object{"gatewayClassName": "gke-l7-rilb", "listeners": []any{object{"name": "http", "protocol": "HTTP", "port": 80}}},
	}
}

// extend is an extension of one chain, with other fields of the chain and of its extension than usual; nil takes a field out.
func extend(kind string, chain, extension object) object {
	e := object{"name": "e", "authority": "a.test", "backendRef": object{"name": "callout", "port": 443}}
	if kind == "GCPTrafficExtension" {
		e["supportedEvents"] = []any{"RequestHeaders"}
	}
	c := object{"name": "c", "extensions": []any{e}}
	for to, fields := range map[*object]object{&e: extension, &c: chain} {
		for name, v := range fields {
			if v == nil {
				delete(*to, name)
			} else {
				(*to)[name] = v
			}
		}
	}
	return object{"apiVersion": "networking.gke.io/v1", "kind": kind, "spec": object{
		"targetRefs":      []any{object{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "OWN"}},
		"extensionChains": []any{c},
	}}
}

func extensions() (out []value) {
	for _, kind := range []string{"GCPTrafficExtension", "GCPRoutingExtension"} {
		add := func(field string, extension object) {
			out = append(out, value{kind + " extensions[]." + field, extend(kind, nil, extension), nil})
		}
		for _, text := range odd {
			add("authority", object{"authority": text})
		}
		for _, name := range headers {
			add("forwardHeaders[]", object{"forwardHeaders": []any{name}})
		}
		for _, timeout := range []string{"9ms", "10ms", "10s", "10001ms", "0.5s", "0s", "1m", "1h", "5s500ms"} {
			add("timeout", object{"timeout": timeout})
		}
		for _, name := range []string{"source.ip", "request.path", "request.headers", "source.client_region", "", "a b"} {
			add("forwardAttributes[]", object{"forwardAttributes": []any{name}})
		}
		for _, events := range [][]any{
			{},
			{"RequestHeaders", "RequestHeaders"},
			{"RequestBody"},
			{"RequestTrailers"},
			{"ResponseHeaders"},
			{"ResponseBody"},
			{"ResponseTrailers"},
			{"RequestHeaders", "RequestBody", "RequestTrailers"},
			{"REQUEST_HEADERS"},
			{"Other"},
		} {
			for _, mode := range []any{nil, "Streamed", "FullDuplexStreamed", "STREAMED"} {
				add("requestBodySendMode", object{"supportedEvents": events, "requestBodySendMode": mode})
				add("responseBodySendMode", object{"supportedEvents": events, "responseBodySendMode": mode})
				add("observabilityMode", object{"supportedEvents": events, "requestBodySendMode": mode, "observabilityMode": true})
			}
		}
		for _, ref := range []object{
			{"name": "none", "port": 443},
			{"name": "callout", "port": 444},
			{"name": "a", "port": 80},
			{"name": "callout"},
			{"name": "callout", "port": 443, "kind": "ServiceImport", "group": "net.gke.io"},
			{"name": "plugin", "kind": "GCPWasmPlugin", "group": "networking.gke.io"},
			{"name": "callout", "kind": "ApigeeBackendService", "group": "apim.googleapis.com"},
		} {
			add("backendRef", object{"backendRef": ref})
			add("backendRef", object{"backendRef": ref, "authority": nil})
		}
		for _, host := range []string{"dlp.googleapis.com", "..googleapis.com", "modelarmor.us.rep.googleapis.com", "a.test"} {
			add("googleAPIServiceName", object{"googleAPIServiceName": host, "backendRef": nil, "authority": nil})
		}
		out = append(out, metadata(kind)...)
		out = append(out, conditionsOf(kind)...)
	}
	return out
}

func metadata(kind string) (out []value) {
	for _, text := range odd {
		for _, m := range []object{{text: "v"}, {"k": text}} {
			out = append(out, value{kind + " extensions[].metadata", extend(kind, nil, object{"metadata": m}), nil})
		}
	}
	for _, text := range []string{"{forwarding_rule_id}", "{other}", "a{forwarding_rule_id}b"} {
		out = append(out, value{kind + " extensions[].metadata", extend(kind, nil, object{"metadata": object{"k": text}}), nil})
	}
	return out
}

func conditionsOf(kind string) (out []value) {
	add := func(field string, expressions ...any) {
		chain := object{"matchCondition": object{"celExpressions": expressions}}
		out = append(out, value{kind + " matchCondition." + field, extend(kind, chain, nil), nil})
	}
	for _, text := range odd {
		for _, expr := range []string{text, fmt.Sprintf("request.path == %q", "/"+text), fmt.Sprintf("request.headers[%q] == 'a'", text), fmt.Sprintf("request.path.matches(%q)", text)} {
			add("celMatcher", object{"celMatcher": expr})
		}
	}
	for _, expr := range []string{
		"", "true", "1 == 1", "1", "'a'", "request.path", "response.code == 200", "source.client_region == 'x'", "has(request.headers.a)", "request.headers", "int('a') == 1",
		"request.path == '/a' ||", "((((((((((true))))))))))", "source.ip == '1.2.3.4'", "request.path.startsWith('/a') && !request.host.endsWith('b')",
		strings.Repeat("!", 500) + "true", "request.path == '" + strings.Repeat("a", 480) + "'", "request.backend_service_num_endpoints > 0",
	} {
		add("celMatcher", object{"celMatcher": expr})
	}
	add("celExpressions[]", "request.path == '/'")
	add("celExpressions[]")
	add("celExpressions[]", object{"celMatcher": strings.Repeat("a", 300)}, object{"celMatcher": strings.Repeat("a", 300)})
	for _, ref := range []object{{"name": "a", "port": 80}, {"name": "none", "port": 80}, {"name": "a", "port": 81}, {"name": "a", "kind": "ServiceImport", "group": "net.gke.io", "port": 80}} {
		add("backendRefs[]", object{"backendRefs": []any{ref}})
		add("backendRefs[]", object{"celMatcher": "request.path == '/'", "backendRefs": []any{ref}})
	}
	return out
}

func plugins() (out []value) {
	add := func(field string, spec object) {
		out = append(out, value{"GCPWasmPlugin " + field, policy("networking.gke.io/v1", "GCPWasmPlugin", spec), nil})
	}
	version := func(more object) object {
		v := object{"name": "a", "image": "registry.test/a:b", "weight": 1}
		for key, field := range more {
			v[key] = field
		}
		return v
	}
	for _, text := range odd {
		for _, field := range []string{"name", "image", "description", "pluginConfigData", "pluginConfigURI"} {
			add("versions[]."+field, object{"versions": []any{version(object{field: text})}})
		}
	}
	for _, weights := range [][]int{{0}, {1}, {1000000}, {1000001}, {-1}, {0, 0}, {0, 1}, {1, 1}} {
		var versions []any
		for i, weight := range weights {
			versions = append(versions, version(object{"name": fmt.Sprint("v", i), "weight": weight}))
		}
		add("versions[].weight", object{"versions": versions})
	}
	add("versions[].name", object{"versions": []any{version(nil), version(object{"weight": 0})}})
	for _, log := range []object{
		{"enabled": true},
		{"enabled": false},
		{"enabled": true, "sampleRate": 0},
		{"enabled": true, "sampleRate": 1000000},
		{"enabled": true, "minLogLevel": "TRACE"},
		{"enabled": true, "minLogLevel": "LOUD"},
		{"sampleRate": 1000001},
	} {
		add("logConfig", object{"versions": []any{version(nil)}, "logConfig": log})
	}
	return out
}

// noteExtension keeps the extension that an object was made into.
func (w *world) noteExtension(x *lbv1.LbExtension) {
	if x == nil {
		return
	}
	ref, _ := owner.Ref(x.GetOwner())
	w.extensions[ref.Name] = x
}

// extends looks at what is published of an extension that no condition has anything against: the proxy's compiler has taken it
// (or the world had not been made), and it has no fault.
func (w *world) extends(own string) error {
	x := w.extensions[own]
	if len(x.GetChains()) != 1 || len(x.GetChains()[0].GetExtensions()) != 1 {
		return fmt.Errorf("every condition is fine, and nothing extends")
	}
	chain := x.GetChains()[0]
	e := chain.GetExtensions()[0]
	if chain.GetFault()+e.GetFault() != "" || e.GetTarget() == nil {
		return fmt.Errorf("every condition is fine, and it fails: %s%s", chain.GetFault(), e.GetFault())
	}
	return nil
}
