package serve

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/wasm/sample"
)

var update = flag.Bool("update", false, "write docs/fail-closed.md")

const (
	failClosedPage = "../../docs/fail-closed.md"
	// failClosedPart is where the part of the page begins that is made here; what stands before is internal/proxy/chains'.
	failClosedPart = "\n## What the statuses say\n"
)

const failClosedPreface = `
Faults as ` + "`spillway serve`" + ` meets them: what clients get, and the conditions that say so; where there is no condition, Programmed is True
all the while. Where the message says that an extension fails its requests, requests have shown it. Each condition that the table above names is in a row here. internal/serve makes each row with a running server; write this
part anew with ` + "`go test ./internal/serve -run FailClosed -update`" + `. *extended* is an answer that the extension has seen, *passes* one that
it has not.

| fault | failOpen false | failOpen true | the extension says | the plugin says |
|---|---|---|---|---|
`

const twoChains = `
---
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: ext}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: NAME}]
  extensionChains:
  - name: closed
    matchCondition: {celExpressions: [{celMatcher: 'request.path.startsWith("/closed")CEL'}]}
    extensions: [{name: e, supportedEvents: [RequestHeaders], BACKEND}]
  - name: open
    matchCondition: {celExpressions: [{celMatcher: 'request.path.startsWith("/open")'}]}
    extensions: [{name: e, failOpen: true, supportedEvents: [RequestHeaders], BACKEND}]
`

const calloutService = `
---
kind: Service
apiVersion: v1
metadata: {name: callout}
spec: {selector: {app: callout}, ports: [{name: p, port: 443, targetPort: 8443PROTOCOL}]}
`

const (
	toPlugin  = `backendRef: {group: networking.gke.io, kind: GCPWasmPlugin, name: hello}`
	toService = `authority: ext.example, backendRef: {kind: Service, name: callout, port: 443}`
)

// statusFault is a row of the page.
type statusFault struct {
	name    string
	backend string
	cel     string
	// more are manifests beside the extension; IMAGE stands for the plugin's image, and OWNPORT for the callout's port.
	more, image string
	// listen, if not nil, runs what the Service's endpoint is, and returns its port.
	listen func(t *testing.T) string
	// module, if not nil, is what the image file:own.wasm has.
	module []byte
	// then changes what is served.
	then func(t *testing.T, r *running, manifests string)
	// closed and open are what clients get, says and plugin the conditions that are not True, "" if all are.
	closed, open string
	says, plugin string
}

var good = strings.ReplaceAll("---\n"+pluginManifest, "IMAGE", "file:good.wasm")

func statusFaults() []statusFault {
	missing := func(why string) string { return `Programmed ProgrammingFailed: version "one": image ` + why }
	list := []statusFault{
		{name: "GCPWasmPlugin missing", backend: toPlugin, says: "ResolvedRefs GCPWasmPluginNotFound"},
		{name: "image missing", backend: toPlugin, more: "---\n" + pluginManifest, image: "file:none.wasm", says: "Programmed ProgrammingFailed", plugin: missing("file:none.wasm: there is no such image")},
		{name: "image that is not the manifests'", backend: toPlugin, more: "---\n" + pluginManifest, image: "file:/etc/hostname", says: "Programmed ProgrammingFailed", plugin: missing("file:/etc/hostname: it is not below DIR")},
		{name: "module that cannot be loaded", backend: toPlugin, more: "---\n" + pluginManifest, image: "file:broken.wasm", says: "Programmed ProgrammingFailed", plugin: missing("file:broken.wasm: plugin.wasm: the module exports no proxy_abi_version_0_1_0")},
		{name: "two versions with a weight", backend: toPlugin, more: good + "  - name: two\n    image: file:good.wasm\n    weight: 1\n", says: "Accepted InvalidGCPWasmPlugin", plugin: "Accepted InvalidGCPWasmPlugin"},
		{name: "Service missing", backend: toService, says: "ResolvedRefs ExtensionServiceNotFound"},
		{name: "port missing", backend: strings.Replace(toService, "443", "444", 1), more: strings.Replace(calloutService, "PROTOCOL", ", appProtocol: kubernetes.io/h2c", 1), says: "ResolvedRefs ExtensionServiceNotFound"},
		{name: "Service without HTTP/2", backend: toService, more: strings.Replace(calloutService, "PROTOCOL", "", 1), says: "Accepted InvalidExtensionService"},
		{name: "condition that cannot be compiled", backend: toPlugin, cel: " &&", more: good, says: "Accepted InvalidCELExpression", closed: "500", open: "500"},
		{name: "plugin deleted while it serves", backend: toPlugin, more: good, then: func(t *testing.T, r *running, manifests string) {
			r.write(t, "ext.yaml", strings.Replace(manifests, good, "", 1))
		}, says: "ResolvedRefs GCPWasmPluginNotFound"},
		{name: "version deleted while it serves, and the image of the next one is missing", backend: toPlugin, more: good, then: func(t *testing.T, r *running, manifests string) {
			r.write(t, "ext.yaml", strings.NewReplacer("name: one", "name: two", "file:good.wasm", "file:none.wasm").Replace(manifests))
		}, says: "Programmed ProgrammingFailed", plugin: `Programmed ProgrammingFailed: version "two": image file:none.wasm`},
		{name: "image gone while it serves", backend: toPlugin, more: good, then: func(t *testing.T, r *running, _ string) {
			if err := os.Remove(filepath.Join(r.dir, "good.wasm")); err != nil {
				t.Fatal(err)
			}
		}, closed: "extended", open: "extended"},
		{name: "a younger extension beside it", backend: toPlugin, more: good, then: func(t *testing.T, r *running, manifests string) {
			younger := manifests[strings.Index(manifests, "kind: GCPTrafficExtension"):]
			r.write(t, "younger.yaml", strings.Replace(younger, "name: ext", "name: younger, creationTimestamp: '2099-01-01T00:00:00Z'", 1))
		}, closed: "extended", open: "extended", says: "Accepted Conflicted"},
	}
	list = append(list, runningFaults()...)
	for i := range list {
		if list[i].closed == "" {
			list[i].closed, list[i].open = "500", "passes"
		}
	}
	return list
}

// TestFailClosedSaysWhy is the part of the contract that users read in statuses.
func TestFailClosedSaysWhy(t *testing.T) {
	var out strings.Builder
	out.WriteString(failClosedPart + failClosedPreface)
	for i, f := range statusFaults() {
		t.Run(f.name, func(t *testing.T) { f.try(t, fmt.Sprint("fail-closed-", i)) })
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", f.name, f.closed, f.open, inTable(f.says), inTable(f.plugin))
	}
	have, err := os.ReadFile(failClosedPage)
	if err != nil {
		t.Fatal(err)
	}
	before, ours, _ := strings.Cut(string(have), failClosedPart)
	proveConditions(t, before, statusFaults())
	switch {
	case failClosedPart+ours == out.String() || t.Failed():
	case *update:
		if err := os.WriteFile(failClosedPage, []byte(before+out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/fail-closed.md is not what happens: run with -update and read the difference")
	}
}

func inTable(condition string) string {
	if condition == "" {
		return condition
	}
	return "`" + condition + "`"
}

func (f statusFault) try(t *testing.T, name string) {
	r := start(t, map[string]string{
		"app.yaml": strings.ReplaceAll(app, "NAME", name), "good.wasm": string(sample.LocalReply()), "broken.wasm": "\x00asm\x01\x00\x00\x00",
		"own.wasm": string(f.module),
	}, time.Second)
	url := r.url(t)
	port := ""
	if f.listen != nil {
		port = f.listen(t)
	}
	manifests := strings.NewReplacer("NAME", name, "BACKEND", f.backend, "CEL", f.cel, "IMAGE", f.image, "OWNPORT", port).Replace(twoChains + f.more)
	r.write(t, "ext.yaml", manifests)
	if f.then != nil {
		eventually(t, "it serves", func() bool { return f.client(url+"/closed") == "extended" && f.client(url+"/open") == "extended" })
		f.then(t, r, manifests)
	}
	for of, want := range map[string]string{kind.GCPTrafficExtension: f.says, kind.GCPWasmPlugin: f.plugin} {
		if want != "" {
			eventually(t, of+" says "+want, func() bool {
				f.client(url + "/closed") // some faults are found out from requests
				return r.says(of, want)
			})
		}
	}
	eventually(t, "requests fail by failOpen", func() bool { return f.client(url+"/closed") == f.closed && f.client(url+"/open") == f.open })
	if f.says == "" {
		eventually(t, "it is Programmed", func() bool { return strings.HasPrefix(r.condition("Programmed"), "True") })
	}
	if got := ask(url+"/", ""); f.cel == "" && got != "200" {
		t.Errorf("a request that the extension is not for: %s", got)
	}
}

// client is what one gets.
func (f statusFault) client(url string) string {
	code, body, err := get(url)
	switch {
	case err != nil:
		return err.Error()
	case code == http.StatusOK && strings.Contains(body, "Hello World"):
		return "extended"
	case code == http.StatusOK:
		return "passes"
	}
	return fmt.Sprint(code)
}

// says reports whether an object of a kind has a condition that is not True, as "TYPE REASON: MESSAGE" with a message that begins so.
func (r *running) says(of, want string) bool {
	name, rest, _ := strings.Cut(want, " ")
	for _, got := range r.conditionsOf(of, name) {
		got = strings.ReplaceAll(got, r.dir, "DIR")
		status, told, _ := strings.Cut(got, " ")
		reason, message, _ := strings.Cut(told, " ")
		if status != "True" && strings.HasPrefix(reason+": "+message, rest) {
			return true
		}
	}
	return false
}
