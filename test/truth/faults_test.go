package truth_test

import (
	"os"
	"strings"
	"testing"
)

// faults are the table.
func faults(t *testing.T) []fault {
	var all []fault
	all = append(all, valueFaults()...)
	all = append(all, referenceFaults()...)
	all = append(all, authorityFaults(t)...)
	all = append(all, gatewayFaults()...)
	all = append(all, certificateFaults(t)...)
	all = append(all, policyFaults()...)
	all = append(all, extensionFaults()...)
	all = append(all, directoryFaults()...)
	all = append(all, proxyFaults()...)
	all = append(all, portFaults()...)
	return all
}

// rule is a broken version of route r: one rule, with more beside its backend.
func rule(more string) map[string]string {
	return map[string]string{"r.yaml": route("r", "r.test", "{"+more+", backendRefs: [{name: app, port: 80}]}")}
}

// beside is route r with a good rule for / and a broken one for /x.
func beside(more string) map[string]string {
	return map[string]string{"r.yaml": route("r", "r.test",
		toApp+", {matches: [{path: {type: PathPrefix, value: /x}}], "+more+", backendRefs: [{name: app, port: 80}]}")}
}

// valueFaults are values that an API server admits and no proxy can obey. A live edit falls back to what served; from nothing, a rule whose
// match is sound answers 500.
func valueFaults() []fault {
	bad := func(name, more string, want ...string) fault {
		return fault{
			name: name, fault: rule(more), object: "HTTPRoute/r", want: append([]string{"=False"}, want...), live: "200", fresh: "404 500",
		}
	}
	out := []fault{
		bad("a header edit of Connection", "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Connection, value: close}]}}]", "onnection"),
		bad("a header edit of Content-Length", "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: Content-Length, value: '3'}]}}]", "ontent-"),
		bad("a header edit of Transfer-Encoding on answers", "filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: Transfer-Encoding, value: chunked}]}}]", "ransfer-"),
		bad("Host is removed", "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Host]}}]", "ost"),
		bad("a Host that is none", "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: 'a b'}]}}]", "ost"),
		bad("a query in replaceFullPath", "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: '/a?b=c'}}}]", "replaceFullPath"),
		bad("an ExtensionRef", "filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Foo, name: foo}}]", "xtensionRef"),
		bad("a session name with a space", "sessionPersistence: {sessionName: 'a b'}", "session"),
		bad("an expression that is none", "matches: [{path: {type: RegularExpression, value: '('}}]", "path"),
		bad("a header expression that is none", "matches: [{headers: [{type: RegularExpression, name: x, value: '['}]}]", "header"),
		bad("a query expression that is none", "matches: [{queryParams: [{type: RegularExpression, name: x, value: '*'}]}]", "query"),
	}
	out = append(out, fault{
		name: "one rule of two", fault: beside("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Upgrade, value: x}]}}]"),
		object: "HTTPRoute/r", want: []string{"PartiallyInvalid=True"}, live: "200", fresh: "200",
	})
	return out
}

func referenceFaults() []fault {
	to := func(ref string) map[string]string {
		return map[string]string{"r.yaml": route("r", "r.test", "{backendRefs: ["+ref+"]}")}
	}
	unresolved := func(name, ref string, reason string) fault {
		return fault{name: name, fault: to(ref), object: "HTTPRoute/r", want: []string{"ResolvedRefs=False", reason}, live: "500"}
	}
	return []fault{
		unresolved("a Service that is not there", "{name: nobody, port: 80}", "BackendNotFound"),
		unresolved("a port that is not there", "{name: app, port: 81}", "BackendNotFound"),
		unresolved("a kind that is no backend", "{group: example.com, kind: Foo, name: app, port: 80}", "InvalidKind"),
		unresolved("a backend of another namespace without a grant", "{name: far, namespace: other, port: 80}", "RefNotPermitted"),
		{
			name: "a Service that is deleted", fault: map[string]string{"r.yaml": route("r", "r.test", "{backendRefs: [{name: gone, port: 80}]}")},
			before: map[string]string{"gone.yaml": strings.NewReplacer("name: app", "name: gone", "app: app", "app: gone").Replace(app)}, object: "HTTPRoute/r",
			want: nil, live: "200",
		},
		{
			name:  "an ExternalName",
			fault: map[string]string{"r.yaml": to("{name: outside, port: 80}")["r.yaml"], "outside.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: outside, namespace: default}\nspec: {type: ExternalName, externalName: example.com, ports: [{port: 80}]}\n"},

			object: "HTTPRoute/r", want: []string{"ResolvedRefs=False", "ExternalName"}, live: "500",
		},
		{
			name: "a mirror that is not there", fault: rule("filters: [{type: RequestMirror, requestMirror: {backendRef: {name: nobody, port: 80}}}]"),
			object: "HTTPRoute/r", want: []string{"ResolvedRefs=False", "nobody"}, live: "200",
		},
		{
			name: "a parent that is not there", object: "HTTPRoute/r", want: nil, live: "404 error",
			fault: map[string]string{"r.yaml": strings.Replace(route("r", "r.test", toApp), "name: $GW}", "name: nobody}", 1)},
		},
		{
			name: "a listener that is not there", object: "HTTPRoute/r", want: []string{"Accepted=False", "NoMatchingParent"}, live: "404",
			fault: map[string]string{"r.yaml": strings.Replace(route("r", "r.test", toApp), "name: $GW}", "name: $GW, sectionName: nobody}", 1)},
		},
		{
			name: "a host of no listener", object: "HTTPRoute/r", want: []string{"Accepted=False", "NoMatchingListenerHostname"}, live: "404",
			fault: map[string]string{"r.yaml": strings.Replace(route("r", "r.test", toApp), "name: $GW}", "name: $GW, sectionName: https}", 1)},
		},
		{name: "the route is deleted", object: "HTTPRoute/r", live: "404", fault: map[string]string{"r.yaml": ""}},
	}
}

// authorityFaults take a permission away while the object is broken in another way: what was permitted yesterday must not be kept.
func authorityFaults(t *testing.T) []fault {
	toFar := route("r", "r.test", "{backendRefs: [{name: far, namespace: other, port: 80}]}")
	brokenToFar := route("r", "r.test", "{backendRefs: [{name: far, namespace: other, port: 80}]}, {matches: [{path: {type: RegularExpression, value: '('}}]}")
	permitted := map[string]string{"far.yaml": far, "grant.yaml": grant, "r.yaml": toFar}
	const broken = toApp + ", {matches: [{path: {type: RegularExpression, value: '('}}]}"
	return []fault{
		{
			name: "a grant is deleted", before: permitted, fault: map[string]string{"grant.yaml": ""},
			object: "HTTPRoute/r", want: []string{"ResolvedRefs=False", "RefNotPermitted"}, live: "500",
		},
		{
			name: "a grant is deleted while the route is broken", before: permitted, fault: map[string]string{"grant.yaml": "", "r.yaml": brokenToFar},
			object: "HTTPRoute/r", want: []string{"ResolvedRefs=False", "RefNotPermitted"}, live: "500", fresh: "404 500",
		},
		{
			name: "a certificate's grant is deleted", object: "Gateway/$GW", want: []string{"https ResolvedRefs=False", "RefNotPermitted"},
			before: map[string]string{
				"grant.yaml": grant, "far-cert.yaml": secret(t, "other", "far-cert", "foo.test"),
				"gateway.yaml": strings.Replace(gateway, "{name: cert}", "{name: far-cert, namespace: other}", 1),
			},
			fault: map[string]string{"grant.yaml": ""}, live: "200", secure: "error",
		},
		{
			name: "a listener is narrowed while the route is broken", object: "HTTPRoute/r", want: []string{"Accepted=False", "NotAllowedByListeners"},
			before: map[string]string{"gateway.yaml": withOwn("8081", "All"), "r.yaml": onOwn(toApp)},
			fault:  map[string]string{"gateway.yaml": withOwn("8081", "Selector, selector: {matchLabels: {none: here}}"), "r.yaml": onOwn(broken)},
			live:   "404", listener: "own",
		},
	}
}

func gatewayFaults() []fault {
	edit := func(old, now string) map[string]string {
		return map[string]string{"gateway.yaml": strings.Replace(gateway, old, now, 1)}
	}
	return []fault{
		{
			name: "an address of no host", object: "Gateway/$GW", want: []string{"Programmed=False", "198.51.100.1"},
			fault: edit("  listeners:", "  addresses: [{type: IPAddress, value: 198.51.100.1}]\n  listeners:"), live: "200", fresh: "error", secure: "200",
			secureFresh: "error", neighbourFresh: "error",
		},
		{
			name: "an address type that there is not", object: "Gateway/$GW", want: []string{"Accepted=False", "example.com/x"},
			fault: edit("  listeners:", "  addresses: [{type: example.com/x, value: some}]\n  listeners:"), live: "200", fresh: "error", secure: "200", secureFresh: "error",
			neighbourFresh: "error",
		},
		{
			name: "a protocol that there is not", object: "Gateway/$GW", want: []string{"udp Accepted=False", "UnsupportedProtocol"},
			fault: edit("  listeners:", "  listeners:\n  - {name: udp, protocol: UDP, port: 53}"), live: "200",
		},
		{
			name: "two protocols on one port", object: "Gateway/$GW", want: []string{"twin Conflicted=True", "ProtocolConflict"},
			fault: edit("  listeners:", "  listeners:\n  - {name: twin, protocol: HTTP, port: 8443, hostname: foo.test}"),
			live:  "200", secure: "*",
		},
		{
			name: "a class that there is not", object: "Gateway/$GW", want: nil, live: "error 404", secure: "error", neighbour: "error",
			fault: edit("gke-l7-regional-external-managed", "nobody"),
		},
		{
			name: "route kinds that there are not", object: "Gateway/$GW", want: []string{"ResolvedRefs=False", "InvalidRouteKinds"},
			fault: edit("namespaces: {from: All}}}", "namespaces: {from: All}, kinds: [{kind: FooRoute}, {kind: HTTPRoute}]}}"), live: "200",
		},
		{
			name: "the Gateway is deleted", object: "Gateway/$GW", want: nil, live: "error", secure: "error", neighbour: "error", fault: map[string]string{"gateway.yaml": ""},
		},
		{
			name: "a file that is no YAML", object: "Gateway/$GW", want: []string{"Programmed=True"}, live: "200", fresh: "*", secure: "200",
			fault: map[string]string{"r.yaml": "{"},
		},
	}
}

func certificateFaults(t *testing.T) []fault {
	whole := secret(t, "default", "cert", "foo.test")
	broken := whole[:strings.Index(whole, "tls.crt: ")] + "tls.crt: Z2FyYmFnZQ==, " + whole[strings.Index(whole, "tls.key: "):]
	return []fault{
		{
			name: "a certificate that is broken", object: "Gateway/$GW", want: []string{"https ResolvedRefs=False", "InvalidCertificateRef"},
			fault: map[string]string{"cert.yaml": broken}, live: "200", secure: "200", secureFresh: "error",
		},
		{
			name: "a certificate of another's key", object: "Gateway/$GW", want: []string{"https ResolvedRefs=False", "InvalidCertificateRef"},
			fault: map[string]string{"cert.yaml": otherKey(secret(t, "default", "cert", "foo.test"), secret(t, "default", "cert", "foo.test"))},
			live:  "200", secure: "200", secureFresh: "error",
		},
		{
			name: "a Secret that is deleted", object: "Gateway/$GW", want: []string{"https ResolvedRefs=False", "InvalidCertificateRef", "cert"},
			fault: map[string]string{"cert.yaml": ""}, live: "200", secure: "200 error", secureFresh: "error",
		},
		{
			name: "a certificate of a kind that there is not", object: "Gateway/$GW", want: []string{"https ResolvedRefs=False", "InvalidCertificateRef"},
			fault: map[string]string{"gateway.yaml": strings.Replace(gateway, "{name: cert}", "{group: example.com, kind: Foo, name: cert}", 1)},
			live:  "200", secure: "*",
		},
	}
}

// otherKey is the first Secret with the key of the second.
func otherKey(first, second string) string {
	const field = "tls.key: "
	at, other := strings.Index(first, field), strings.Index(second, field)
	return first[:at] + second[other:]
}

func policyFaults() []fault {
	policy := func(kind, target, more string) map[string]string {
		return map[string]string{"policy.yaml": "apiVersion: networking.gke.io/v1\nkind: " + kind +
			"\nmetadata: {name: p, namespace: default}\nspec: {targetRef: " + target + ", default: " + more + "}\n"}
	}
	backendTLS := func(target, more string) map[string]string {
		return map[string]string{"policy.yaml": "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: p, namespace: default}\n" +
			"spec: {targetRefs: [" + target + "], validation: {hostname: app.test, " + more + "}}\n"}
	}
	return []fault{
		{
			name: "a policy for nobody", object: "HealthCheckPolicy/p", want: []string{"Attached=False"}, live: "200",
			fault: policy("HealthCheckPolicy", "{group: '', kind: Service, name: nobody}", "{checkIntervalSec: 5}"),
		},
		{
			name: "a health check that finds nobody healthy", object: "HTTPRoute/r", want: []string{"Accepted=True"}, live: "503", secure: "503", neighbour: "503", unpromised: true,
			fault: policy("HealthCheckPolicy", "{group: '', kind: Service, name: app}", "{checkIntervalSec: 1, timeoutSec: 1, unhealthyThreshold: 1, config: {type: HTTP, httpHealthCheck: {requestPath: /status/500}}}"),
		},
		{
			name: "an SSL policy that there is not", object: "GCPGatewayPolicy/p", want: []string{"Attached=False"}, live: "200",
			fault: policy("GCPGatewayPolicy", "{group: gateway.networking.k8s.io, kind: Gateway, name: $GW}", "{sslPolicy: nobody}"),
		},
		{
			name: "authorities that are not there", object: "BackendTLSPolicy/p", want: []string{"ResolvedRefs=False", "InvalidCACertificateRef"}, live: "500 502 503", secure: "500 502 503",
			neighbour: "500 502 503", unpromised: true,
			fault: backendTLS("{group: '', kind: Service, name: app}", "caCertificateRefs: [{group: '', kind: ConfigMap, name: nobody}]"),
		},
		{
			name: "a section that is not there", object: "BackendTLSPolicy/p", want: []string{"Accepted=False"}, live: "200",
			fault: backendTLS("{group: '', kind: Service, name: app, sectionName: nobody}", "wellKnownCACertificates: System"),
		},
	}
}

// directoryFaults are what happens to files. Nothing is wrong with the objects, so they go on saying True.
func directoryFaults() []fault {
	inOrder := []string{"Programmed=True"}
	move := func(w *world, from, to string) {
		w.t.Helper()
		if err := os.Rename(from, to); err != nil {
			w.t.Fatal(err)
		}
	}
	return []fault{
		{
			name: "every Pod goes", object: "HTTPRoute/r", want: []string{"Accepted=True"}, live: "503", secure: "503", neighbour: "503", unpromised: true,
			fault: map[string]string{"app.yaml": strings.Replace(app, "  selector: {matchLabels", "  replicas: 0\n  selector: {matchLabels", 1)},
		},
		{
			name: "a Pod that does not start", object: "HTTPRoute/r", want: []string{"Accepted=True"}, live: "200 503", fresh: "503", secure: "200 503",
			neighbour: "200 503", unpromised: true,
			fault: map[string]string{"app.yaml": strings.Replace(app, "spillway/test-app", "nobody/knows", 1)},
		},
		{
			name: "the directory is copied anew", object: "Gateway/$GW", want: inOrder, live: "200",
			do: func(w *world) {
				if err := os.CopyFS(w.root+"/copy", os.DirFS(w.dir())); err != nil {
					w.t.Fatal(err)
				}
				if err := os.RemoveAll(w.dir()); err != nil {
					w.t.Fatal(err)
				}
				move(w, w.root+"/copy", w.dir())
			},
		},
		{
			name: "the directory goes and comes back", object: "Gateway/$GW", want: inOrder, live: "200",
			do: func(w *world) {
				move(w, w.dir(), w.root+"/away")
				w.until("the server says that it is gone", func() bool { return strings.Contains(w.out.String(), "keeps serving") })
				move(w, w.root+"/away", w.dir())
			},
		},
	}
}
