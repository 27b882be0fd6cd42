package serve

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
)

// matched is a Gateway with two Services behind it and a callout, which says hello on answers.
var matched = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: NAME}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 8082}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: NAME}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /two}}]
    backendRefs: [{name: two, port: 80}]
  - backendRefs: [{name: one, port: 80}]
` + service("one") + service("two") + `
---
apiVersion: v1
kind: Service
metadata: {name: callout}
spec:
  selector: {app: callout}
  ports: [{port: 443, targetPort: 443, appProtocol: HTTP2}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: callout}
spec:
  selector: {matchLabels: {app: callout}}
  template:
    metadata: {labels: {app: callout}}
    spec: {containers: [{name: c, image: "us-docker.pkg.dev/service-extensions-samples/callouts/python-example-basic:main", ports: [{containerPort: 443}]}]}
`

func service(name string) string {
	return strings.ReplaceAll(`
---
apiVersion: v1
kind: Service
metadata: {name: APP}
spec: {selector: {app: APP}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: APP}
spec:
  selector: {matchLabels: {app: APP}}
  template:
    metadata: {labels: {app: APP}}
    spec: {containers: [{name: app, image: spillway/test-app, ports: [{containerPort: 8080}]}]}
`, "APP", name)
}

// trafficExtension has a chain that cannot run, whose callout is missing, and others that say hello.
const trafficExtension = `
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: ext}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: NAME}]
  extensionChains:
  - name: missing
    matchCondition: {celExpressions: [{celMatcher: 'request.path == "/missing"'}]}
    extensions: [{name: e, authority: a, supportedEvents: [ResponseHeaders], backendRef: {kind: Service, name: nobody, port: 443}}]
  - name: canary
    matchCondition:
      celExpressions:
      - celMatcher: 'MATCHER'
        backendRefs: [{kind: Service, name: two, port: 80}]
      - celMatcher: 'request.path == "/missing" || request.path == "/also"'
    extensions: [{name: e, authority: a, supportedEvents: [ResponseHeaders], backendRef: {kind: Service, name: callout, port: 443}}]
`

// ask is a request to the Gateway: what of its answer tells which chain ran.
func ask(url, header string) string {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	if name, value, found := strings.Cut(header, ":"); found {
		req.Header.Set(name, value)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Hello")))
}

// TestMatchConditionsFromFilesToRequests: which chain runs follows the files, and never nothing for what cannot be told.
func TestMatchConditionsFromFilesToRequests(t *testing.T) {
	extension := strings.NewReplacer("NAME", "match-a", "MATCHER", `request.headers["X-Env"].lower() == "canary"`).Replace(trafficExtension)
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(matched, "NAME", "match-a"), "ext.yaml": extension}, time.Second)
	url := r.url(t)
	eventually(t, "the callout answers", func() bool { return ask(url+"/also", "") == "200 service-extensions" })
	table := []struct{ path, header, want string }{
		{"/missing", "", "500"}, // the first chain that matches, and no other
		{"/missing/x", "", "200"},
		{"/two", "x-env:CANARY", "200 service-extensions"},
		{"/two", "x-env:stable", "200"},
		{"/two", "", "200"},
		{"/one", "x-env:canary", "200"}, // the other Service
	}
	for _, tt := range table {
		// /two is another Service, which may become healthy later.
		eventually(t, fmt.Sprintf("%s with %q is answered %s", tt.path, tt.header, tt.want), func() bool { return ask(url+tt.path, tt.header) == tt.want })
		if got := ask(url+tt.path, tt.header); got != tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.path, tt.header, got, tt.want)
		}
	}
	// A condition that breaks is told with its place, and the last good one goes on.
	r.write(t, "ext.yaml", strings.NewReplacer("NAME", "match-a", "MATCHER", `request.url_path == "x"`).Replace(trafficExtension))
	const why = `spec.extensionChains[1]: matchCondition.celExpressions[0].celMatcher: 1:1: there is no request.url_path: write request.path, which has no query`
	eventually(t, "the condition is told to be wrong", func() bool { return strings.Contains(r.condition("Accepted"), why) })
	for _, tt := range table {
		if got := ask(url+tt.path, tt.header); got != tt.want {
			t.Errorf("broken: %s with %q: %s, want %s", tt.path, tt.header, got, tt.want)
		}
	}
	r.write(t, "ext.yaml", extension)
	eventually(t, "it is mended", func() bool { return strings.HasPrefix(r.condition("Accepted"), "True Accepted") })
}

// TestAConditionThatNeverWasGoodFailsItsChain: whom it would have matched cannot be told, so nobody passes without it.
func TestAConditionThatNeverWasGoodFailsItsChain(t *testing.T) {
	extension := strings.NewReplacer("NAME", "match-b", "MATCHER", `has(request.headers.x)`).Replace(trafficExtension)
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(matched, "NAME", "match-b"), "ext.yaml": extension}, time.Second)
	var url string
	eventually(t, "there is a URL", func() bool {
		for _, u := range r.source.URLs() {
			url = u.URL
		}
		return url != ""
	})
	eventually(t, "it is told", func() bool { return strings.HasPrefix(r.condition("Accepted"), "False InvalidCELExpression") })
	eventually(t, "requests are refused", func() bool { return ask(url+"/one", "") == "500" })
	for _, path := range []string{"/one", "/two", "/missing", "/also"} {
		if got := ask(url+path, ""); got != "500" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if programmed := r.condition("Programmed"); strings.HasPrefix(programmed, "True") {
		t.Errorf("it is told to be in force: %s", programmed)
	}
	r.write(t, "ext.yaml", strings.NewReplacer("NAME", "match-b", "MATCHER", `true`).Replace(trafficExtension))
	eventually(t, "it heals", func() bool { return ask(url+"/two", "") == "200 service-extensions" && ask(url+"/one", "") == "200" })
}

// condition is that of the extension: status, reason and message.
func (r *running) condition(name string) string {
	return r.conditionOf(kind.GCPTrafficExtension, name)
}

// conditionOf is that of the first object of a kind.
func (r *running) conditionOf(of, name string) string {
	if all := r.conditionsOf(of, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// conditionsOf are those of the objects of a kind.
func (r *running) conditionsOf(of, name string) (out []string) {
	for _, ref := range r.store.Snapshot().List(of, "", "") {
		e := r.store.Snapshot().Get(ref)
		if e == nil || e.Written == nil {
			continue
		}
		s, ok := e.Written.Status.(*gatewayv1.PolicyStatus)
		if !ok {
			continue
		}
		for _, a := range s.Ancestors {
			if c := apimeta.FindStatusCondition(a.Conditions, name); c != nil {
				out = append(out, string(c.Status)+" "+c.Reason+" "+c.Message)
			}
		}
	}
	return out
}
