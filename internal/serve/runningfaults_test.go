package serve

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/calloutserver"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// ownCallout is a Service whose endpoint runs outside: the test's own.
const ownCallout = `
---
kind: Service
apiVersion: v1
metadata: {name: callout}
spec: {ports: [{name: p, port: 443, targetPort: OWNPORT, appProtocol: PROTOCOL}]}
---
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: callout-own, labels: {kubernetes.io/service-name: callout}}
addressType: IPv4
ports: [{name: p, port: OWNPORT}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]
`

const askedByGRPC = `
---
kind: HealthCheckPolicy
apiVersion: networking.gke.io/v1
metadata: {name: callout}
spec:
  targetRef: {group: "", kind: Service, name: callout}
  default: {checkIntervalSec: 1, timeoutSec: 1, unhealthyThreshold: 1, healthyThreshold: 1, config: {type: GRPC, grpcHealthCheck: {portSpecification: USE_SERVING_PORT}}}
`

// runningFaults are those of callouts and plugins that the manifests know nothing of; those that have a name of internal/proxy/chains
// are the same.
func runningFaults() []statusFault {
	h2c := strings.ReplaceAll(ownCallout, "PROTOCOL", "kubernetes.io/h2c")
	tls := strings.ReplaceAll(ownCallout, "PROTOCOL", "HTTP2")
	own := "---\n" + pluginManifest
	const dead = `Programmed ProgrammingFailed: no healthy endpoint for port 443 of service "callout": from us-west1: 1 endpoint, all unhealthy: `
	const stopped = "Programmed ProgrammingFailed"
	const fails = `Programmed ProgrammingFailed: extension "e" of chain "closed" fails its requests in us-west1:`
	return []statusFault{
		{name: "nobody listens", backend: toService, more: h2c, listen: nobody, says: dead + "TCP probe of :"},
		{name: "no endpoint", backend: toService, more: h2c[:strings.LastIndex(h2c, "---")], listen: nobody, says: `Programmed ProgrammingFailed: no network endpoints found for service "callout"`},
		{name: "Google API without an endpoint", backend: "googleAPIServiceName: dlp.googleapis.com", says: "ResolvedRefs ExtensionServiceNotFound"},
		{name: "connection that is closed at once", backend: toService, more: h2c, listen: closing, says: fails},
		{name: "server that speaks no TLS", backend: toService, more: tls, listen: answering(200), says: fails + " tls: "},
		{name: "HTTP status 404", backend: toService, more: h2c, listen: answering(404), says: fails + " status: "},
		{name: "HTTP status 503", backend: toService, more: h2c, listen: answering(503), says: fails + " status: "},
		{name: "HTTP status 503, with a HealthCheckPolicy of type GRPC", backend: toService, more: h2c + askedByGRPC, listen: answering(503), says: dead + "GRPC probe of :"},
		{name: "plugin that refuses its configuration", backend: toPlugin, more: own, image: "file:own.wasm", module: returning("proxy_on_configure", "ii>i", wat.I32(0)), says: stopped, plugin: stopped},
		{name: "plugin that traps when it starts", backend: toPlugin, more: own, image: "file:own.wasm", module: returning("proxy_on_vm_start", "ii>i", wat.Unreachable), says: stopped, plugin: stopped},
		{name: "plugin that traps", backend: toPlugin, more: own, image: "file:own.wasm", module: returning("proxy_on_request_headers", "iii>i", wat.Unreachable), says: fails, plugin: fails},
	}
}

// nobody is a port that no system gives to whoever asks for any.
func nobody(*testing.T) string { return "1" }

func loopback(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func portText(ln net.Listener) string {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func closing(t *testing.T) string {
	ln := loopback(t)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return portText(ln)
}

// answering is a server of HTTP/2 without TLS that knows nothing of callouts.
func answering(status int) func(t *testing.T) string {
	return func(t *testing.T) string {
		return serving(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
}

func serving(t *testing.T, h http.HandlerFunc) (port string) {
	ln := loopback(t)
	s := &http.Server{Protocols: &http.Protocols{}, Handler: h}
	s.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	return portText(ln)
}

// TestAFailingCalloutIsSaidToFailUntilItWorks: what only requests show is in the condition, with its cause, and goes when they come out
// well again.
func TestAFailingCalloutIsSaidToFailUntilItWorks(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "heals")}, time.Second)
	var works atomic.Bool
	callout := calloutserver.Handler(calloutserver.Events{}.Process)
	port := serving(t, func(w http.ResponseWriter, q *http.Request) {
		if works.Load() {
			callout.ServeHTTP(w, q)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	url := r.url(t)
	r.write(t, "ext.yaml", strings.NewReplacer("NAME", "heals", "BACKEND", toService, "CEL", "", "OWNPORT", port, "PROTOCOL", "kubernetes.io/h2c").Replace(twoChains+ownCallout))
	eventually(t, "it is said to fail", func() bool {
		ask(url+"/closed", "")
		return strings.HasPrefix(r.condition("Programmed"), `False ProgrammingFailed extension "e" of chain "closed" fails its requests in us-west1: status: `)
	})
	works.Store(true)
	eventually(t, "it is said to work", func() bool {
		return ask(url+"/closed", "") == "200" && strings.HasPrefix(r.condition("Programmed"), "True")
	})
}

// returning is a plugin with one callback of its own.
func returning(callback, signature string, code wat.Code) []byte {
	b := wat.New()
	b.Plugin()
	b.Function(callback, signature, 0, code)
	return b.Module()
}

// proveConditions: the page's table of faults and phases, which the proxy's tests make, names no condition that a running server was not
// seen to have, and for faults of the same name it has the same.
func proveConditions(t *testing.T, page string, seen []statusFault) {
	named := map[string]string{}
	for line := range strings.Lines(page) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); len(cells) == 5 && cells[1] != "phase" {
			named[strings.TrimPrefix(cells[0], "| ")] = strings.Trim(strings.TrimSuffix(cells[4], " |"), "`")
		}
	}
	if len(named) < 30 {
		t.Errorf("the page has %d faults with conditions", len(named))
	}
	for name, condition := range named {
		proved := false
		for _, f := range seen {
			same := f.says != "" && strings.HasPrefix(f.says, condition)
			if f.name == name && !same {
				t.Errorf("%s: the page says %q, a server %q", name, condition, f.says)
			}
			proved = proved || same
		}
		if !proved {
			t.Errorf("%s: no server was seen to say %q", name, condition)
		}
	}
}
