package plugin

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// examplePlugin builds examples/plugins/go with the stock toolchain.
func examplePlugin(t testing.TB) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes a while to compile Go's library for WebAssembly")
	}
	file := filepath.Join(t.TempDir(), "plugin.wasm")
	build := exec.Command("go", "build", "-C", "../../../examples/plugins/go", "-buildmode=c-shared", "-o", file, ".")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// A plugin that the stock Go toolchain has made does what its README says, within the limits of Google's profile.
func TestTheExamplePlugin(t *testing.T) {
	code := examplePlugin(t)
	r := newRig(t, code, func(_ *Config, _ *lbv1.Extension, v *lbv1.WasmPluginVersion) { v.ConfigData = []byte("deny /admin") })
	e := r.exchange()
	if _, err := e.ask(); err != nil {
		t.Fatal(err)
	}
	if got := fields(newRequestMap(extension.NewRequest(e.request, e.policy, nil))); !strings.Contains(got, "x-hello: from a plugin") {
		t.Errorf("the request is\n%s", got)
	}
	if got, err := e.answer("a secret, ", "and a secret"); err != nil || got != "a ******, and a ******" {
		t.Errorf("%q, %v", got, err)
	}
	if got := fields(newResponseMap(extension.NewResponse(e.response, e.policy, nil))); !strings.Contains(got, "hello: service-extensions") {
		t.Errorf("the answer is\n%s", got)
	}
	e.filter.End(extension.Outcome{})

	e = r.exchange()
	e.request.Path = []byte("/admin/x")
	var reply *extension.LocalReply
	if _, err := e.ask(); !errors.As(err, &reply) || reply.Status != 403 || string(reply.Body) != "closed\n" {
		t.Errorf("%v", err)
	}
	e.filter.End(extension.Outcome{})

	refused := New(Config{Modules: NewModules(func(string, string) ([]byte, error) { return code, nil }, wasm.Options{}), Timeout: patience})
	if _, err := refused.Version("v", &lbv1.WasmPluginVersion{ConfigData: []byte("nonsense")}); err == nil || !strings.Contains(err.Error(), "no such rule: nonsense") {
		t.Errorf("a configuration that is none: %v", err)
	}
}

// BenchmarkExchange is what a plugin costs an exchange: a filter, a stream with its context, two header callbacks with one change each,
// done and delete.
func BenchmarkExchange(b *testing.B) {
	r := newRig(b, examplePlugin(b), nil)
	q := &message.Request{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a.example"), Path: []byte("/")}
	x := newExchange()
	b.ReportAllocs()
	for b.Loop() {
		f := r.extension.New(x)
		if err := f.Request(extension.NewRequest(q, r.extension.Policy, nil)); err != nil {
			b.Fatal(err)
		}
		if err := f.Response(extension.NewResponse(&message.Response{Status: 200}, r.extension.Policy, nil)); err != nil {
			b.Fatal(err)
		}
		f.End(extension.Outcome{})
	}
}
