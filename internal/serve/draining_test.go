package serve

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// drainingIngress and drainingGateway lead the hosts kept.test and cut.test to Services of these names.
const (
	drainingIngress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
  - {host: kept.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: kept, port: {number: 80}}}}]}}
  - {host: cut.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: cut, port: {number: 80}}}}]}}
`
	drainingGateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: draining}
spec: {gatewayClassName: gke-l7-global-external-managed, listeners: [{name: http, protocol: HTTP, port: 8082}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: kept}
spec: {parentRefs: [{name: draining}], hostnames: [kept.test], rules: [{backendRefs: [{name: kept, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cut}
spec: {parentRefs: [{name: draining}], hostnames: [cut.test], rules: [{backendRefs: [{name: cut, port: 80}]}]}
`
	// drainingApp ends as slowly as its requests.
	drainingApp = `
apiVersion: v1
kind: Service
metadata: {name: NAME, annotations: {cloud.google.com/backend-config: '{"default":"NAME"}'}}
spec: {selector: {app: NAME}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: cloud.google.com/v1
kind: BackendConfig
metadata: {name: NAME}
spec: {timeoutSec: 600, connectionDraining: {drainingTimeoutSec: SECONDS}}
---
apiVersion: networking.gke.io/v1
kind: GCPBackendPolicy
metadata: {name: NAME}
spec:
  default: {timeoutSec: 600, connectionDraining: {drainingTimeoutSec: SECONDS}}
  targetRef: {group: "", kind: Service, name: NAME}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      terminationGracePeriodSeconds: 600
      containers: [{name: app, image: spillway/test-app, ports: [{containerPort: 8080}], env: [{name: VERSION, value: "NUMBER"}]}]
`
)

func drainingFile(name, seconds, version string) string {
	return strings.NewReplacer("NAME", name, "SECONDS", seconds, "NUMBER", version).Replace(drainingApp)
}

// hostClient asks a host at an address by one version of HTTP.
type hostClient struct {
	http *http.Client
	at   string
}

func newHostClient(t *testing.T, version int) *hostClient {
	var p http.Protocols
	p.SetHTTP1(version == 1)
	p.SetUnencryptedHTTP2(version == 2)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	return &hostClient{http: &http.Client{Transport: transport}}
}

func (c *hostClient) ask(host, path string, body io.Reader) (a answer) {
	req, err := http.NewRequest(http.MethodPost, "http://"+c.at+path, body)
	if err != nil {
		return answer{err: err}
	}
	req.Host = host
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(b), err}
}

// start sends a request that does not end by itself, and returns where its answer comes.
func (c *hostClient) start(host, path string, body io.Reader) chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- c.ask(host, path, body) }()
	return answers
}

// allElsewhere waits until a Pod gets no more requests: of twenty, none. Not one may fail meanwhile.
func (c *hostClient) allElsewhere(t *testing.T, what, host, pod string) {
	t.Helper()
	eventually(t, what+": new requests go elsewhere", func() bool {
		for range 20 {
			a := c.ask(host, "/", nil)
			if a.err != nil || a.code != http.StatusOK {
				t.Errorf("%s: %+v", what, a)
			}
			if a.body == pod {
				return false
			}
		}
		return true
	})
}

// drainingAt is host and port of the Ingress or the Gateway, "" while it has none.
func (r *running) drainingAt() string {
	if at := r.ingressAt("web", "http"); at != "" {
		return at
	}
	for _, u := range r.source.URLs() {
		if parsed, err := url.Parse(u.URL); err == nil {
			return parsed.Host
		}
	}
	return ""
}

// TestATerminatingPodKeepsItsRequests: new ones go elsewhere at once. What is under way is answered whole, unless it takes longer than
// connectionDraining has it.
func TestATerminatingPodKeepsItsRequests(t *testing.T) {
	for front, text := range map[string]string{"Ingress": drainingIngress, "Gateway": drainingGateway} {
		t.Run(front, func(t *testing.T) {
			r := start(t, map[string]string{
				"web.yaml": text, "kept.yaml": drainingFile("kept", "3600", "1"), "cut.yaml": drainingFile("cut", "1", "1"),
			}, time.Second)
			clients := []*hostClient{newHostClient(t, 1), newHostClient(t, 2)}
			old := map[string]string{}
			for _, host := range []string{"kept.test", "cut.test"} {
				for _, c := range clients {
					eventually(t, host+" answers", func() bool {
						c.at = r.drainingAt()
						a := c.ask(host, "/", nil)
						old[host] = a.body
						return c.at != "" && a.err == nil && a.code == http.StatusOK
					})
				}
			}
			eventually(t, "earlier requests have ended", func() bool { return r.active() == 0 })

			var kept, cut []chan answer
			var bodies []*io.PipeWriter
			for _, c := range clients {
				body, write := io.Pipe()
				t.Cleanup(func() { write.Close() })
				kept = append(kept, c.start("kept.test", "/echo", body))
				if _, err := io.WriteString(write, "first "); err != nil {
					t.Fatal(err)
				}
				bodies = append(bodies, write)
				cut = append(cut, c.start("cut.test", "/delay/10m", nil))
			}
			eventually(t, "four requests are in flight", func() bool { return r.active() == 4 })
			r.write(t, "kept.yaml", drainingFile("kept", "3600", "2"))
			r.write(t, "cut.yaml", drainingFile("cut", "1", "2"))

			for i, c := range clients {
				for host, pod := range old {
					c.allElsewhere(t, fmt.Sprintf("%s, HTTP/%d", host, i+1), host, pod)
				}
			}
			for i := range clients {
				if a := <-cut[i]; a.err != nil || a.code != http.StatusBadGateway {
					t.Errorf("HTTP/%d: a request that takes longer than the draining: %+v", i+1, a)
				}
			}
			for i, write := range bodies {
				if _, err := io.WriteString(write, "last"); err != nil {
					t.Error(err)
				}
				write.Close()
				if a := <-kept[i]; a.err != nil || a.code != http.StatusOK || a.body != "first last" {
					t.Errorf("HTTP/%d: the request in flight: %+v", i+1, a)
				}
			}
		})
	}
}
