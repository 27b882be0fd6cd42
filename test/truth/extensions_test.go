package truth_test

import "strings"

// callout is the sample of the documentation, with its Service.
const callout = `
apiVersion: v1
kind: Service
metadata: {name: callout, namespace: default}
spec: {selector: {app: callout}, ports: [{port: 443, targetPort: 443, appProtocol: HTTP2}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: callout, namespace: default}
spec:
  selector: {matchLabels: {app: callout}}
  template:
    metadata: {labels: {app: callout}}
    spec: {containers: [{name: c, image: "us-docker.pkg.dev/service-extensions-samples/callouts/python-example-basic:main", ports: [{containerPort: 443}]}]}
`

// extension is a GCPTrafficExtension of the Gateway, of one chain with a matcher and what its extension has beside its name.
func extension(matcher, more string) string {
	return `
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: x, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: $GW}]
  extensionChains:
  - name: c
    matchCondition: {celExpressions: [{celMatcher: '` + matcher + `'}]}
    extensions: [{name: e, supportedEvents: [ResponseHeaders], ` + more + `}]
`
}

const toCallout = "authority: a.test, backendRef: {name: callout, port: 443}"

// extensionFaults keep the extension of every request of a Gateway from running: no request passes without it, unless it fails
// open. The conditions of routes and Gateways promise nothing about extensions; the extension's say it.
func extensionFaults() []fault {
	closed := func(name string, files map[string]string, want ...string) fault {
		return fault{
			name: name, fault: files, object: "GCPTrafficExtension/x", want: want, live: "500", secure: "500", secureFresh: "500", neighbour: "500",
			unpromised: true,
		}
	}
	edit := func(more string) map[string]string {
		return map[string]string{"x.yaml": extension("true", more), "callout.yaml": callout}
	}
	open := closed("an extension that fails open", edit("failOpen: true, authority: a.test, backendRef: {name: nobody, port: 443}"), "ResolvedRefs=False", "nobody")
	open.live, open.secure, open.secureFresh, open.neighbour = "200", "200", "200", "200"
	kept := closed("a match condition that breaks", map[string]string{"x.yaml": extension("request.nothing", toCallout)}, "Accepted=False", "InvalidCELExpression")
	kept.before = edit(toCallout)
	kept.live, kept.fresh, kept.secure, kept.neighbour, kept.neighbourFresh = "200", "500", "200", "200", "500"
	dead := closed("a callout that nobody answers for", map[string]string{"callout.yaml": strings.Replace(callout, "targetPort: 443", "targetPort: 444", 1)},
		"Programmed=False", "no healthy endpoint")
	dead.before = edit(toCallout)
	return []fault{
		closed("a callout that is not there", edit("authority: a.test, backendRef: {name: nobody, port: 443}"), "ResolvedRefs=False", "ExtensionServiceNotFound"),
		closed("a callout's port that is not there", edit("authority: a.test, backendRef: {name: callout, port: 444}"), "ResolvedRefs=False", "444"),
		closed("a callout that speaks HTTP/1", edit("authority: a.test, backendRef: {name: app, port: 80}"), "Accepted=False", "InvalidExtensionService"),
		closed("a Google API that nobody maps", edit("googleAPIServiceName: dlp.googleapis.com"), "ResolvedRefs=False", "dlp.googleapis.com"),
		closed("an attribute that there is not", edit(toCallout+", forwardAttributes: [request.mood]"), "Accepted=False", "request.mood"),
		open, kept, dead,
	}
}
