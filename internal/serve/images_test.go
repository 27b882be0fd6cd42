package serve

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/oci"
	"github.com/spillway-lb/spillway/internal/wasm/sample"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

const pluginManifest = `kind: GCPWasmPlugin
apiVersion: networking.gke.io/v1
metadata:
  name: hello
spec:
  versions:
  - name: one
    image: IMAGE
    weight: 1
`

// TestAPluginIsPushedToTheRegistryOfServe: an image that is missing is told, and had as soon as it is pushed.
func TestAPluginIsPushedToTheRegistryOfServe(t *testing.T) {
	r := start(t, map[string]string{"README.md": ""}, time.Second)
	r.config.Registry = "127.0.0.1:0"
	if err := r.serveRegistry(t.Context()); err != nil {
		t.Fatal(err)
	}
	host := regexp.MustCompile(`registry (\S+): spillway wasm push`).FindStringSubmatch(r.out.String())
	if host == nil {
		t.Fatalf("it is not told: %s", r.out.String())
	}
	image := host[1] + "/hello:v1"
	r.write(t, "plugin.yaml", regexp.MustCompile("IMAGE").ReplaceAllString(pluginManifest, image))
	known := func() fact.Image {
		for _, ref := range r.store.Snapshot().List(kind.GCPWasmPlugin, "", "") {
			if i, ok := r.store.Snapshot().Fact(fact.ImageOf(fact.ImageRequest{Plugin: ref, Version: "one", Image: image})).(fact.Image); ok {
				return i
			}
		}
		return fact.Image{}
	}
	eventually(t, "the image is missing", func() bool { return known().Err != "" })
	author := oci.NewStore(oci.Options{Dir: t.TempDir()})
	digest, err := author.Push(t.Context(), image, oci.Plugin, sample.LocalReply())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the image is had", func() bool { return known().Digest == digest })
	if _, err := r.images.Cached(image, digest, oci.Plugin); err != nil {
		t.Error(err)
	}
	eventually(t, "the digest is kept beside the state", func() bool {
		_, err := os.Stat(filepath.Join(filepath.Dir(r.state), "state.images.json"))
		return err == nil
	})
}

const pluginExtension = `
kind: GCPTrafficExtension
apiVersion: networking.gke.io/v1
metadata: {name: ext}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: NAME}]
  extensionChains:
  - name: plugin
    matchCondition: {celExpressions: [{celMatcher: 'request.path.startsWith("/plugin")'}]}
    extensions: [{name: e, supportedEvents: [RequestHeaders], backendRef: {group: networking.gke.io, kind: GCPWasmPlugin, name: hello}}]
`

// TestAMissingImageFailsClosedAndHeals: requests that the plugin is for get 500 until its image is there and holds a module
// that runs, others nothing of it.
func TestAMissingImageFailsClosedAndHeals(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "image-a")}, time.Second)
	r.config.Registry = "127.0.0.1:0"
	if err := r.serveRegistry(t.Context()); err != nil {
		t.Fatal(err)
	}
	image := regexp.MustCompile(`registry (\S+): spillway wasm push`).FindStringSubmatch(r.out.String())[1] + "/hello:v1"
	url := r.url(t)
	r.write(t, "plugin.yaml", strings.ReplaceAll(pluginManifest, "IMAGE", image)+"---"+strings.ReplaceAll(pluginExtension, "NAME", "image-a"))
	eventually(t, "requests fail", func() bool { return ask(url+"/plugin", "") == "500" })
	if got := ask(url+"/", ""); got != "200" {
		t.Errorf("a request that the plugin is not for: %s", got)
	}
	told := func(why string) {
		t.Helper()
		eventually(t, "it is told why", func() bool {
			programmed := r.condition("Programmed")
			return !strings.HasPrefix(programmed, "True") && strings.Contains(programmed, "image "+image+": "+why)
		})
	}
	push := func(module []byte) {
		t.Helper()
		if _, err := oci.NewStore(oci.Options{Dir: t.TempDir()}).Push(t.Context(), image, oci.Plugin, module); err != nil {
			t.Fatal(err)
		}
	}
	told("there is no such image")
	push([]byte("\x00asm\x01\x00\x00\x00"))
	told("plugin.wasm: ")
	if plugin, other := ask(url+"/plugin", ""), ask(url+"/", ""); plugin != "500" || other != "200" {
		t.Errorf("with a module that cannot run: %s, and %s for what it is not for", plugin, other)
	}
	push(sample.LocalReply())
	eventually(t, "the plugin answers", func() bool {
		code, body, err := get(url + "/plugin")
		return err == nil && code == 200 && strings.Contains(body, "Hello World")
	})
	eventually(t, "it is in force", func() bool { return strings.HasPrefix(r.condition("Programmed"), "True") })
}

// stubborn are plugins that a proxy takes and that do not start.
func stubborn() map[string]struct {
	module []byte
	why    string
} {
	refusing := wat.New()
	log := refusing.Import("env", "proxy_log", "iii>i")
	refusing.Plugin()
	refusing.Function("proxy_on_configure", "ii>i", 0, wat.I32(4), refusing.Text("no such mode"), wat.Call(log), wat.Drop, wat.I32(0))
	hanging := wat.New()
	hanging.Plugin()
	hanging.Function("proxy_on_configure", "ii>i", 0, wat.Forever())
	trapping := wat.New()
	trapping.Plugin()
	trapping.Function("proxy_on_vm_start", "ii>i", 0, wat.Unreachable)
	return map[string]struct {
		module []byte
		why    string
	}{
		"refuses": {refusing.Module(), "the plugin refused its configuration: proxy_on_configure returned false: no such mode"},
		"hangs":   {hanging.Module(), "plugin crashed in proxy_on_configure: the call took longer than 5s"},
		"traps":   {trapping.Module(), "plugin crashed in proxy_on_vm_start: wasm error: unreachable"},
	}
}

// TestAPluginThatDoesNotStartIsTold: neither the plugin nor who uses it is Programmed, and both say why. A version that starts
// heals it.
func TestAPluginThatDoesNotStartIsTold(t *testing.T) {
	for name, c := range stubborn() {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "start-"+name)}, time.Second)
			url := r.url(t)
			r.write(t, "bad.wasm", string(c.module))
			r.write(t, "good.wasm", string(sample.LocalReply()))
			manifest := pluginManifest + "---" + strings.ReplaceAll(pluginExtension, "NAME", "start-"+name)
			r.write(t, "plugin.yaml", strings.ReplaceAll(manifest, "IMAGE", "file:bad.wasm"))
			for _, of := range []string{kind.GCPWasmPlugin, kind.GCPTrafficExtension} {
				eventually(t, of+" says why", func() bool {
					programmed := r.conditionOf(of, "Programmed")
					return strings.HasPrefix(programmed, "False") && strings.Contains(programmed, c.why)
				})
			}
			if plugin, other := ask(url+"/plugin", ""), ask(url+"/", ""); plugin != "500" || other != "200" {
				t.Errorf("%s, and %s for what it is not for", plugin, other)
			}
			r.write(t, "plugin.yaml", strings.ReplaceAll(strings.ReplaceAll(manifest, "IMAGE", "file:good.wasm"), "name: one", "name: two"))
			eventually(t, "it is in force", func() bool {
				return strings.HasPrefix(r.conditionOf(kind.GCPWasmPlugin, "Programmed"), "True") && strings.HasPrefix(r.conditionOf(kind.GCPTrafficExtension, "Programmed"), "True")
			})
		})
	}
}

// TestTheProfileIsAnAnnotation: a plugin that wants a metric starts in the full profile only, and a profile that nobody knows is
// refused in words.
func TestTheProfileIsAnAnnotation(t *testing.T) {
	b := wat.New()
	define := b.Import("env", "proxy_define_metric", "iiii>i")
	b.Plugin()
	b.Function("proxy_on_configure", "ii>i", 0, wat.I32(0), b.Text("requests"), wat.I32(512), wat.Call(define), wat.Eqz)
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "profile")}, time.Second)
	r.write(t, "plugin.wasm", string(b.Module()))
	write := func(annotations string) {
		manifest := strings.ReplaceAll(pluginManifest, "IMAGE", "file:plugin.wasm") + "---" + strings.ReplaceAll(pluginExtension, "NAME", "profile")
		r.write(t, "plugin.yaml", strings.Replace(manifest, "name: hello\n", "name: hello\n"+annotations, 1))
	}
	for _, c := range []struct{ annotations, condition, want string }{
		{"", "Programmed", "False ProgrammingFailed"},
		{"  annotations: {spillway.dev/wasm-profile: full}\n", "Programmed", "True"},
		{"  annotations: {spillway.dev/wasm-profile: gcp}\n", "Programmed", "False ProgrammingFailed"},
		{"  annotations: {spillway.dev/wasm-profile: fast}\n", "Accepted", `False InvalidGCPWasmPlugin annotation spillway.dev/wasm-profile: "fast" is neither gcp nor full`},
	} {
		write(c.annotations)
		eventually(t, c.annotations+c.condition, func() bool { return strings.HasPrefix(r.conditionOf(kind.GCPWasmPlugin, c.condition), c.want) })
	}
}
