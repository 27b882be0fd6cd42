package image

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/extension"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/oci"
	"github.com/spillway-lb/spillway/internal/oci/registry"
	"github.com/spillway-lb/spillway/internal/store"
)

var module = []byte("\x00asm\x01\x00\x00\x00")

// bench is a resolver with a store and a registry.
type bench struct {
	t      *testing.T
	dir    string
	host   string
	store  *store.Store
	sub    *store.Subscription
	images *oci.Store
	*Resolver
}

func newBench(t *testing.T) *bench {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	hub, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(hub)
	t.Cleanup(srv.Close)
	b := &bench{t: t, dir: t.TempDir(), host: strings.TrimPrefix(srv.URL, "http://"), store: store.New()}
	b.images = oci.NewStore(oci.Options{Dir: filepath.Join(b.dir, "images"), Base: b.dir})
	b.restart()
	return b
}

// restart makes the resolver of another process.
func (b *bench) restart() {
	b.Resolver = NewResolver(Options{
		Store: b.store, Images: b.images, Wanted: extension.Images, Pins: filepath.Join(b.dir, "pins"), Now: time.Now,
		Say: func(format string, args ...any) { b.t.Errorf(format, args...) },
	})
	b.sub = b.store.Subscribe()
	b.sub.Take()
}

// plugin commits a GCPWasmPlugin with versions, and has it looked at.
func (b *bench) plugin(versions ...networkingv1.WasmPluginVersion) store.Ref {
	o := &networkingv1.GCPWasmPlugin{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.gke.io/v1", Kind: "GCPWasmPlugin"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p"},
		Spec:       networkingv1.GCPWasmPluginSpec{Versions: versions},
	}
	ref := store.RefTo("c", o)
	b.store.Commit(func(tx *store.Tx) { tx.Put("c", o, "") })
	b.Look(b.sub.Take())
	return ref
}

func (b *bench) fact(r fact.ImageRequest) (fact.Image, bool) {
	i, ok := b.store.Snapshot().Fact(fact.ImageOf(r)).(fact.Image)
	return i, ok
}

// await waits until a fact is as wanted.
func (b *bench) await(r fact.ImageRequest, wanted func(fact.Image) bool) fact.Image {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if i, ok := b.fact(r); ok && wanted(i) {
			return i
		}
		if time.Now().After(deadline) {
			i, _ := b.fact(r)
			b.t.Fatalf("the fact is %+v", i)
		}
	}
}

func (b *bench) run() {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(ctx)
	}()
	b.t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (b *bench) push(image string, file oci.File, content []byte) string {
	b.t.Helper()
	d, err := b.images.Push(b.t.Context(), image, file, content)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

func TestAMissingImageHealsWhenItAppears(t *testing.T) {
	b := newBench(t)
	image, config := b.host+"/p:v1", b.host+"/c:v1"
	ref := b.plugin(networkingv1.WasmPluginVersion{Name: "one", Image: image, PluginConfigURI: &config})
	b.run()
	wasm := fact.ImageRequest{Plugin: ref, Version: "one", Image: image}
	text := fact.ImageRequest{Plugin: ref, Version: "one", Image: config, Config: true}
	for _, r := range []fact.ImageRequest{wasm, text} {
		if i := b.await(r, func(i fact.Image) bool { return i.Err != "" }); !strings.HasPrefix(i.Err, "there is no such image") {
			t.Error(i.Err)
		}
	}
	d := b.push(image, oci.Plugin, module)
	b.push(config, oci.Config, []byte("hello"))
	if i := b.await(wasm, func(i fact.Image) bool { return i.Err == "" }); i.Digest != d || i.Data != nil {
		t.Errorf("%+v, want %s", i, d)
	}
	if i := b.await(text, func(i fact.Image) bool { return i.Err == "" }); string(i.Data) != "hello" {
		t.Errorf("%+v", i)
	}
	if _, err := b.images.Cached(image, d, oci.Plugin); err != nil {
		t.Errorf("a proxy does not find it: %v", err)
	}
	b.plugin()
	if i, ok := b.fact(wasm); ok {
		t.Errorf("%+v is kept of what nobody wants", i)
	}
}

func TestARestartChangesNothing(t *testing.T) {
	b := newBench(t)
	image := b.host + "/p:v1"
	v := networkingv1.WasmPluginVersion{Name: "one", Image: image}
	d := b.push(image, oci.Plugin, module)
	r := fact.ImageRequest{Plugin: b.plugin(v), Version: "one", Image: image}
	b.run()
	b.await(r, func(i fact.Image) bool { return i.Digest == d })
	// The tag means something else by now; the version is the same.
	if again := b.push(image, oci.Plugin, append(module, 1)); again == d {
		t.Fatal("it is the same image")
	}
	b.store = store.New()
	b.restart()
	b.plugin(v)
	if i, ok := b.fact(r); !ok || i.Digest != d {
		t.Errorf("%+v before anything was fetched, want %s", i, d)
	}
}

func TestImagesOnThisMachine(t *testing.T) {
	b := newBench(t)
	v := networkingv1.WasmPluginVersion{Name: "one", Image: "file:plugin.wasm"}
	r := fact.ImageRequest{Plugin: b.plugin(v), Version: "one", Image: v.Image}
	b.run()
	b.await(r, func(i fact.Image) bool { return strings.Contains(i.Err, "no such file") })
	b.write("plugin.wasm", module)
	first := b.await(r, func(i fact.Image) bool { return i.Digest != "" })
	b.store = store.New()
	b.restart()
	b.plugin(v)
	if i, ok := b.fact(r); !ok || !i.Equal(first) {
		t.Errorf("after a restart it is %+v, and was %+v", i, first)
	}
	b.write("plugin.wasm", append(module, 1))
	b.store = store.New()
	b.restart()
	b.plugin(v)
	if i, ok := b.fact(r); ok {
		t.Errorf("after a restart it is %+v: the file has changed", i)
	}
	b.run()
	b.await(r, func(i fact.Image) bool { return i.Digest != "" && i.Digest != first.Digest })
}

func (b *bench) write(name string, content []byte) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), content, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// A module that takes long to check holds up neither rounds nor the end.
func TestCheckingHoldsUpNobody(t *testing.T) {
	b := newBench(t)
	b.write("slow.wasm", module)
	b.write("quick.wasm", append(module, 1))
	checking := make(chan struct{})
	b.options.Check = func(ctx context.Context, r fact.ImageRequest, _ string, _ []byte) error {
		if r.Version == "quick" {
			return nil
		}
		close(checking)
		<-ctx.Done()
		return ctx.Err()
	}
	slow := networkingv1.WasmPluginVersion{Name: "slow", Image: "file:slow.wasm"}
	quick := networkingv1.WasmPluginVersion{Name: "quick", Image: "file:quick.wasm"}
	ref := b.plugin(slow)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx)
	}()
	<-checking
	b.plugin(slow, quick)
	b.await(fact.ImageRequest{Plugin: ref, Version: "quick", Image: quick.Image}, func(i fact.Image) bool { return i.Digest != "" })
	if i, ok := b.fact(fact.ImageRequest{Plugin: ref, Version: "slow", Image: slow.Image}); ok {
		t.Errorf("%+v is known before it is checked", i)
	}
	end()
	<-ended
}

// A version that is removed while its image is looked up ends that, and comes again as if it had not been.
func TestAJobOfARemovedVersionEnds(t *testing.T) {
	b := newBench(t)
	b.write("slow.wasm", module)
	checking, ended := make(chan struct{}, 2), make(chan struct{}, 2)
	b.options.Check = func(ctx context.Context, _ fact.ImageRequest, _ string, _ []byte) error {
		checking <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	}
	slow := networkingv1.WasmPluginVersion{Name: "slow", Image: "file:slow.wasm"}
	ref := b.plugin(slow)
	b.run()
	for range 2 {
		<-checking
		b.plugin()
		<-ended
		b.plugin(slow)
	}
	<-checking
	if i, ok := b.fact(fact.ImageRequest{Plugin: ref, Version: "slow", Image: slow.Image}); ok {
		t.Errorf("%+v is what became of a job that was ended", i)
	}
}

func TestDigestsThatCannotBeReadAreTold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pins")
	if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := ""
	NewResolver(Options{Store: store.New(), Images: oci.NewStore(oci.Options{Dir: t.TempDir()}), Pins: name, Now: time.Now, Say: func(format string, _ ...any) { said = format }})
	if !strings.Contains(said, "starting without them") {
		t.Errorf("said %q", said)
	}
}
