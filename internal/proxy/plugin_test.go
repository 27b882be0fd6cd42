package proxy_test

import (
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/sample"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// stamping is a plugin that says which version it is, on the way in and out.
func stamping(version int) []byte {
	b := wat.New()
	set := b.Import("env", "proxy_replace_header_map_value", "iiiii>i")
	b.Plugin()
	stamp := func(m int32) wat.Code {
		return wat.Cat(wat.I32(m), b.Text("x-version"), b.Text(strconv.Itoa(version)), wat.Call(set), wat.Drop, wat.I32(0))
	}
	b.Function("proxy_on_request_headers", "iii>i", 0, stamp(0))
	b.Function("proxy_on_response_headers", "iii>i", 0, stamp(2))
	return b.Module()
}

// pluginProvider gives every target proxy a chain with the version that is the main one at that time.
func pluginProvider(modules map[string][]byte, main *atomic.Pointer[string]) extension.Provider {
	plugins := plugin.New(plugin.Config{
		Modules: plugin.NewModules(func(_, digest string) ([]byte, error) { return modules[digest], nil }, wasm.Options{}), Timeout: patience,
	})
	spec := &lbv1.Extension{Name: "plugin", Events: []lbv1.Extension_Event{lbv1.Extension_REQUEST_HEADERS, lbv1.Extension_RESPONSE_HEADERS}}
	return func(string, *lbv1.TargetProxy, extension.Resources) (*extension.Chains, error) {
		digest := *main.Load()
		v, err := plugins.Version("version-"+digest, &lbv1.WasmPluginVersion{Plugin: "p", Image: "image", ImageDigest: digest})
		if err != nil {
			return nil, err
		}
		return traffic(v.Extension(extension.Traffic, spec, nil)), nil
	}
}

func TestASamplePluginAnswers(t *testing.T) {
	var main atomic.Pointer[string]
	name := "sample"
	main.Store(&name)
	provider := pluginProvider(map[string][]byte{name: sample.LocalReply()}, &main)
	r := startRig(t, proxy.Config{Extensions: provider}, nil, nil, nil)
	res, body := r.get("/serviceextensions")
	if res.StatusCode != 200 || body != "Hello World" || res.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
}

// Versions are switched under load: every request gets one version or the other, whole, and none is lost.
func TestVersionsAreSwitchedWithoutALoss(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, q.Header.Get("X-Version"))
	})
	var main atomic.Pointer[string]
	names := []string{"1", "2"}
	main.Store(&names[0])
	provider := pluginProvider(map[string][]byte{"1": stamping(1), "2": stamping(2)}, &main)
	m := newModel([]string{backend})
	r := startRig(t, proxy.Config{Extensions: provider}, nil, []string{backend}, func(x *model) { x.rule.Port = m.rule.Port })

	var wg sync.WaitGroup
	var done atomic.Bool
	var seen [3]atomic.Int64
	for range 4 {
		wg.Go(func() {
			client := netClient(t, 1)
			for !done.Load() {
				res, err := client.Get("http://" + r.addr + "/")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				v, _ := strconv.Atoi(string(body))
				if err != nil || res.StatusCode != 200 || v < 1 || v > 2 || res.Header.Get("X-Version") != string(body) {
					t.Errorf("%d %q, %q, %v", res.StatusCode, body, res.Header.Get("X-Version"), err)
					return
				}
				seen[v].Add(1)
			}
		})
	}
	for i := range 10 {
		main.Store(&names[i%2])
		next := newModel([]string{backend})
		next.rule.Port = m.rule.Port
		next.target.Via = strings.Repeat("a", i+1)
		if err := r.Replace(next.model()); err != nil {
			t.Fatal(err)
		}
		runtime.GC() // what nobody refers to any more goes away
		before := seen[i%2+1].Load()
		eventually(t, "the other version answers", func() bool { return t.Failed() || seen[i%2+1].Load() > before+8 })
	}
	done.Store(true)
	wg.Wait()
}
