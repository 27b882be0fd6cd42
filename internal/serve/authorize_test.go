package serve

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authorized is an app behind a plugin that asks an authorizer; both run outside.
const authorized = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: authorized}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 8083}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: authorized}]
  rules: [{backendRefs: [{name: app, port: 80}]}]
---
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: ext}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: authorized}]
  extensionChains:
  - name: c
    extensions: [{name: e, supportedEvents: [RequestHeaders], backendRef: {group: networking.gke.io, kind: GCPWasmPlugin, name: authorize}}]
---
kind: GCPWasmPlugin
apiVersion: networking.gke.io/v1
metadata: {name: authorize, annotations: {spillway.dev/wasm-profile: full}}
spec:
  versions: [{name: one, image: "file:authorize.wasm", weight: 1}]
UPSTREAMS
`

const authorizerUpstream = `  upstreams: [{name: authorizer, backendRef: {group: "", kind: Service, name: authorizer, port: 80}}]`

const outside = `
---
kind: Service
apiVersion: v1
metadata: {name: NAME}
spec: {ports: [{name: p, port: 80, targetPort: PORT}]}
---
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: NAME-own, labels: {kubernetes.io/service-name: NAME}}
addressType: IPv4
ports: [{name: p, port: PORT}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]
`

// outsideAt are the manifests of a server of the test's.
func outsideAt(name string, s *httptest.Server) string {
	port := s.Listener.Addr().String()
	return strings.NewReplacer("NAME", name, "PORT", port[strings.LastIndexByte(port, ':')+1:]).Replace(outside)
}

// authorizePlugin builds the example with the stock Go toolchain.
func authorizePlugin(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes a while to compile Go's library for WebAssembly")
	}
	file := filepath.Join(t.TempDir(), "authorize.wasm")
	build := exec.Command("go", "build", "-C", "../../examples/plugins/go", "-buildmode=c-shared", "-o", file, "./authorize")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(code)
}

// TestThePluginThatAsks: the example lets pass whom its upstream lets pass, and nobody where that is not there or may not be asked.
func TestThePluginThatAsks(t *testing.T) {
	plugin := authorizePlugin(t)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("for " + strings.Join(r.Header.Values("X-User"), ",")))
	}))
	t.Cleanup(app.Close)
	authorizer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, known := strings.CutPrefix(r.Header.Get("Authorization"), "user ")
		if r.URL.Path == "/authorize" && (!known || r.Header.Get("X-Original-Path") == "/private") {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("not for you"))
			return
		}
		w.Header().Set("X-User", user)
	}))
	t.Cleanup(authorizer.Close)
	r := start(t, map[string]string{
		"authorized.yaml": strings.Replace(authorized, "UPSTREAMS", authorizerUpstream, 1), "authorize.wasm": plugin,
		"servers.yaml": outsideAt("app", app) + outsideAt("authorizer", authorizer),
	}, time.Second)
	url := ""
	eventually(t, "the Gateway has an address", func() bool {
		for _, u := range r.source.URLs() {
			url = u.URL
		}
		return url != ""
	})
	as := func(path, credentials string) string {
		q, err := http.NewRequest(http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", credentials)
		q.Header.Set("X-User", "forged")
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(q)
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(resp.StatusCode, " ", string(body))
	}
	becomes := func(path, credentials, want string) {
		t.Helper()
		eventually(t, path+" as "+credentials+" is "+want, func() bool { return as(path, credentials) == want })
	}
	becomes("/", "user alice", "200 for alice")
	becomes("/", "nobody", "403 not for you")
	becomes("/private", "user alice", "403 not for you")
	authorizer.Close()
	becomes("/", "user alice", "503 cannot be authorized\n")
	r.write(t, "authorized.yaml", strings.Replace(authorized, "UPSTREAMS", "", 1))
	becomes("/", "user alice", "503 cannot be authorized\n")
}
