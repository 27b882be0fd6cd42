package serve

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

const probed = `
apiVersion: networking.gke.io/v1
kind: HealthCheckPolicy
metadata: {name: check}
spec:
  targetRef: {group: "", kind: Service, name: app}
  default: {checkIntervalSec: 1, timeoutSec: 1, unhealthyThreshold: 1, healthyThreshold: 1, config: {type: HTTP, httpHealthCheck: {requestPath: PATH}}}
`

// TestNobodyAnswersIsTold wants one line for each mistake after which all conditions are True and requests get 503, and one
// when it has mended.
func TestNobodyAnswersIsTold(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "outage")
	r := start(t, map[string]string{"app.yaml": good, "check.yaml": strings.ReplaceAll(probed, "PATH", "/")}, time.Second)
	url := r.url(t)
	answers := func(want int) func() bool {
		return func() bool {
			code, _, err := get(url)
			return err == nil && code == want
		}
	}
	eventually(t, "it answers", answers(200))
	const mended = "has healthy endpoints again: Service default/app, port 80, from us-west1\n"
	for i, mistake := range []struct{ file, text, want string }{
		{
			"app.yaml", strings.Replace(good, "selector: {app: app}", "selector: {app: apps}", 1),
			"no Pod or Deployment has the labels that the Service selects, app=apps",
		},
		{
			"app.yaml", strings.Replace(good, "targetPort: 8080", "targetPort: htpp", 1),
			`of the Pods that the Service selects (1) none has a container port named "htpp", the targetPort of port 80`,
		},
		{
			"app.yaml", strings.Replace(good, "targetPort: 8080", "targetPort: 8081", 1),
			"1 endpoint, all unhealthy: HTTP probe of :8081/: connection refused (no container of the Pods has port 8081, the targetPort of port 80; they have 8080)",
		},
		{"check.yaml", strings.ReplaceAll(probed, "PATH", "/status/500"), "1 endpoint, all unhealthy: HTTP probe of :8080/status/500: HTTP 500"},
	} {
		line := "Service default/app, port 80, from us-west1: no healthy endpoint, so requests get 503: " + mistake.want
		r.write(t, mistake.file, mistake.text)
		eventually(t, line, func() bool { return strings.Contains(r.out.String(), line) })
		eventually(t, "requests get 503", answers(503))
		r.write(t, "app.yaml", good)
		r.write(t, "check.yaml", strings.ReplaceAll(probed, "PATH", "/"))
		eventually(t, "it has mended", func() bool { return strings.Count(r.out.String(), mended) == i+1 })
		eventually(t, "it answers again", answers(200))
		if n := strings.Count(r.out.String(), line); n != 1 {
			t.Errorf("%q was told %d times", line, n)
		}
	}
	if n := strings.Count(r.out.String(), "no healthy endpoint"); n != 4 {
		t.Errorf("%d lines for 4 mistakes", n)
	}
}

const called = `
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: ext}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: NAME}]
  extensionChains:
  - name: c
    extensions: [{name: e, authority: a, supportedEvents: [ResponseHeaders], backendRef: {kind: Service, name: callout, port: 443}}]
`

// TestADeadCalloutIsTold: what an extension calls has nobody who answers: a line says so, and the extension is not Programmed.
func TestADeadCalloutIsTold(t *testing.T) {
	good := strings.ReplaceAll(matched, "NAME", "dead-callout")
	r := start(t, map[string]string{"app.yaml": good, "ext.yaml": strings.ReplaceAll(called, "NAME", "dead-callout")}, time.Second)
	url := r.url(t)
	extended := func() bool { return ask(url, "") == "200 service-extensions" }
	eventually(t, "the callout answers", extended)
	eventually(t, "it is Programmed", func() bool { return strings.HasPrefix(r.condition("Programmed"), "True") })
	r.write(t, "app.yaml", strings.Replace(good, "targetPort: 443", "targetPort: 444", 1))
	const why = "1 endpoint, all unhealthy: TCP probe of :444: connection refused"
	const line = "Service default/callout, port 443, from us-west1: no healthy endpoint, so extensions that call it fail, and requests get 500 without failOpen: " + why
	eventually(t, line, func() bool { return strings.Contains(r.out.String(), line) })
	eventually(t, "requests get 500", func() bool { return ask(url, "") == "500" })
	eventually(t, "it is not Programmed", func() bool {
		return strings.HasPrefix(r.condition("Programmed"), `False ProgrammingFailed no healthy endpoint for port 443 of service "callout": from us-west1: `+why)
	})
	r.write(t, "app.yaml", good)
	eventually(t, "it has mended", func() bool {
		return strings.Contains(r.out.String(), "has healthy endpoints again: Service default/callout, port 443, from us-west1\n")
	})
	eventually(t, "the callout answers again", extended)
	eventually(t, "it is Programmed again", func() bool { return strings.HasPrefix(r.condition("Programmed"), "True") })
}

// TestAnAppWithoutARootIsToldWhereUsersLook: its Pods are Ready, every condition about what is written is True, and requests
// get 503 because / answers 404.
func TestAnAppWithoutARootIsToldWhereUsersLook(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "rootless")
	r := start(t, map[string]string{"app.yaml": good, "check.yaml": strings.ReplaceAll(probed, "PATH", "/status/404")}, time.Second)
	route := func() string {
		var said string
		r.store.Snapshot().Walk(kind.HTTPRoute, "", "", func(e *store.Entry) bool {
			if e.Written == nil {
				return true
			}
			status, _ := e.Written.Status.(*gatewayv1.HTTPRouteStatus)
			for _, p := range status.Parents {
				for _, c := range p.Conditions {
					if c.Type == condition.Healthy {
						said = string(c.Status) + " " + c.Reason + ": " + c.Message
					}
				}
			}
			return true
		})
		return said
	}
	const text = `Service "default/app", port 80, from us-west1: 1 endpoint, all unhealthy: HTTP probe of :8080/status/404: HTTP 404; ` +
		"the app answers, but only 200 counts, whether its Pods are Ready or not: a HealthCheckPolicy whose targetRef is Service default/app " +
		"(spec.default.config.httpHealthCheck.requestPath) can name a path that answers 200"
	eventually(t, "the route's condition", func() bool { return route() == "False NoHealthyEndpoint: "+text })
	told := func(reason string) map[string]bool {
		about := map[string]bool{}
		r.store.Snapshot().Walk(kind.Event, "", "", func(e *store.Entry) bool {
			event, ok := e.Object.(*corev1.Event)
			if ok && event.Reason == reason && strings.Contains(event.Message, `Service "default/app", port 80`) {
				about[event.InvolvedObject.Kind] = true
			}
			return true
		})
		return about
	}
	eventually(t, "events", func() bool { about := told("Unhealthy"); return about["Service"] && about["HTTPRoute"] })
	r.write(t, "check.yaml", strings.ReplaceAll(probed, "PATH", "/"))
	eventually(t, "the condition goes", func() bool { return route() == "" })
	eventually(t, "events say so", func() bool { about := told("Healthy"); return about["Service"] && about["HTTPRoute"] })
}

const rootless = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: spillway/test-app, ports: [{containerPort: 8080}], env: [{name: STATUS, value: "404"}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec: {defaultBackend: {service: {name: app, port: {number: 80}}}}
`

// TestAnIngressToldOfAnAppWithoutARoot: the same, on an Ingress that has nothing but a default backend.
func TestAnIngressToldOfAnAppWithoutARoot(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": rootless}, time.Second)
	eventually(t, "an event on the Ingress", func() bool {
		found := false
		r.store.Snapshot().Walk(kind.Event, "", "", func(e *store.Entry) bool {
			event, ok := e.Object.(*corev1.Event)
			found = found || ok && event.Reason == "Unhealthy" && event.InvolvedObject.Kind == "Ingress" &&
				strings.Contains(event.Message, "HTTP 404") && strings.Contains(event.Message, "BackendConfig (spec.healthCheck.requestPath)")
			return true
		})
		return found
	})
}
