package serve

import (
	"io"
	"strings"
	"testing"
	"time"
)

const troubled = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: foreign}
spec: {gatewayClassName: nginx, listeners: [{name: http, protocol: HTTP, port: 8091}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners:
  - {name: http, protocol: HTTP, port: 8092}
  - {name: tls, protocol: HTTPS, port: 8493, hostname: foo.test, tls: {certificateRefs: [{name: missing}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: lower}
spec: {parentRefs: [{kind: gateway, name: web}], rules: [{backendRefs: [{name: app, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: noparent}
spec: {parentRefs: [{name: nix}], rules: [{backendRefs: [{name: app, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: default}
spec: {useDefaultGateways: All, rules: [{backendRefs: [{name: app, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: BACKEND, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: b}
spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: BACKEND, port: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: example.com/unknown:1, ports: [{containerPort: 8080}]}]}
`

// TestTroubleIsToldOnce wants a line for each thing that does not work, none twice, and a word when it has mended.
func TestTroubleIsToldOnce(t *testing.T) {
	files := map[string]string{"a.yaml": strings.ReplaceAll(troubled, "BACKEND", "nix")}
	r := start(t, files, time.Second)
	lines := []string{
		`Gateway default/foreign: spec.gatewayClassName: class "nginx" is none of Spillway's, and no manifest defines it`,
		`Gateway default/web: listener tls: ResolvedRefs=False InvalidCertificateRef: Error GWCER102: Secret "default/missing" not found`,
		`HTTPRoute default/lower: spec.parentRefs[0].kind: no parent is of kind "gateway"; use Gateway`,
		`HTTPRoute default/noparent: spec.parentRefs[0]: Gateway "default/nix" not found`,
		"HTTPRoute default/default: spec.useDefaultGateways: useDefaultGateways All is not supported",
		"HTTPRoute default/default: spec.parentRefs: the route names no parent, so nothing serves it",
		`HTTPRoute default/a and 1 more: parent web: ResolvedRefs=False BackendNotFound:`,
		"and 1 more: container app: ErrImagePull: Failed to pull image",
	}
	for _, line := range lines {
		eventually(t, line, func() bool { return strings.Contains(r.out.String(), line) })
	}
	r.write(t, "a.yaml", strings.ReplaceAll(troubled, "BACKEND", "app"))
	eventually(t, "routes mend", func() bool {
		return strings.Contains(r.out.String(), "in order again: HTTPRoute default/a and 1 more\n")
	})
	for _, line := range lines {
		if n := strings.Count(r.out.String(), line); n != 1 {
			t.Errorf("%q was told %d times", line, n)
		}
	}
	if out := r.out.String(); strings.Contains(out, "Try:") || strings.Contains(out, "https://") {
		t.Error("a listener that is not Programmed, or that nothing answers on, is said to work")
	}
}

// TestFloodsOfTroubleAreBounded tells of a thousand objects that each have something else to say.
func TestFloodsOfTroubleAreBounded(t *testing.T) {
	files := map[string]string{}
	var all strings.Builder
	for i := range 300 {
		all.WriteString("---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" + string(rune('a'+i%26)) + strings.Repeat("x", i/26) +
			"}\nspec: {parentRefs: [{name: gw" + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + "}], rules: [{backendRefs: [{name: app, port: 80}]}]}\n")
	}
	files["a.yaml"] = all.String()
	r := start(t, files, time.Second)
	eventually(t, "the rest is counted", func() bool { return strings.Contains(r.out.String(), "and 290 lines more like these") })
	if n := strings.Count(r.out.String(), "\" not found"); n != maxTroubles {
		t.Errorf("%d lines at once", n)
	}
}

// TestAddressesComeWithWhatWorks wants an address with a curl command, and a word when it goes.
func TestAddressesComeWithWhatWorks(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "announced")}, time.Second)
	eventually(t, "a command is printed", func() bool { return strings.Contains(r.out.String(), "\nTry:\n  curl http://127.") })
	u := r.source.URLs()[0]
	if !strings.Contains(r.out.String(), "\nGateway default/announced, listener http\n  us-west1         "+u.URL+"\nTry:\n  curl "+u.URL+"/\n") {
		t.Error("address and command are not in one block")
	}
	if code, _, err := get(strings.TrimPrefix(u.Curl[0], "curl ")); err != nil || code != 200 {
		t.Errorf("%s: %d, %v", u.Curl[0], code, err)
	}
	r.write(t, "app.yaml", "# empty\n")
	eventually(t, "it is gone", func() bool {
		return strings.Contains(r.out.String(), "gone: "+u.URL+" of Gateway default/announced, listener http")
	})
}

// TestWhatIsHeldIsNotGone breaks an HTTPS listener: what was served last goes on, and nobody is told that it is gone.
func TestWhatIsHeldIsNotGone(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "held")
	r := start(t, map[string]string{"app.yaml": good}, time.Second)
	url := strings.TrimSuffix(r.url(t), "/")
	eventually(t, "the address is printed", func() bool { return strings.Contains(r.out.String(), "  us-west1         "+url+"\n") })
	r.write(t, "app.yaml", strings.Replace(good, "protocol: HTTP,", "protocol: TCP,", 1))
	eventually(t, "it is told as it is", func() bool {
		return strings.Contains(r.out.String(), "not Programmed any more, but what was served last goes on: "+url+" of Gateway default/held, listener http\n")
	})
	if code, _, err := get(url + "/"); err != nil || code != 200 {
		t.Errorf("%d, %v", code, err)
	}
	eventually(t, "the reason is told", func() bool {
		return strings.Contains(r.out.String(), "Gateway default/held: listener http: Accepted=False UnsupportedProtocol")
	})
	r.write(t, "app.yaml", good)
	eventually(t, "it is in order again", func() bool { return strings.Contains(r.out.String(), "in order again: Gateway default/held\n") })
	if out := r.out.String(); strings.Contains(out, "gone:") || strings.Count(out, "listener http\n  us-west1") != 1 {
		t.Error("what never went is said to go or to come back")
	}
	r.write(t, "app.yaml", "# empty\n")
	eventually(t, "it is gone", func() bool {
		return strings.Contains(r.out.String(), "gone: "+url+" of Gateway default/held, listener http\n")
	})
}

func TestTroubleInJSON(t *testing.T) {
	out := &buffer{}
	r := newReporter(out, FormatJSON, time.Now)
	r.warn("HTTPRoute default/bad: Accepted=False UnsupportedValue: a \"quote\"")
	if !strings.Contains(out.String(), `"level":"WARN","msg":"HTTPRoute default/bad: Accepted=False UnsupportedValue: a \"quote\""`) {
		t.Errorf("printed %s", out)
	}
	newReporter(io.Discard, FormatText, time.Now).warn("x")
}

// TestWhatNoFileHoldsIsNotSaidToBeDeleted: a namespace that was only used goes with the last object in it.
func TestWhatNoFileHoldsIsNotSaidToBeDeleted(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: app, namespace: shpo}\nspec: {ports: [{port: 80}]}\n"
	r := start(t, map[string]string{"a.yaml": service}, time.Second)
	eventually(t, "it is read", func() bool { return strings.Contains(r.out.String(), "objects in ") })
	r.write(t, "a.yaml", "# nothing\n")
	eventually(t, "the Service is gone", func() bool { return strings.Contains(r.out.String(), "deleted: Service shpo/app\n") })
	if strings.Contains(r.out.String(), "Namespace") {
		t.Error("a Namespace is said to be deleted that nobody made")
	}
}
