package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/spillway-lb/spillway/internal/oci/registry"
)

// get resolves and fetches.
func get(t *testing.T, s *Store, image string, file File) ([]byte, error) {
	t.Helper()
	d, err := s.Resolve(t.Context(), image)
	if err != nil {
		return nil, err
	}
	return s.Fetch(t.Context(), image, d, file)
}

func TestPushedImagesAreFetched(t *testing.T) {
	dir := t.TempDir()
	r, err := registry.New(registry.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := serveHub(t, r)
	s := newStore(t, Options{})
	pushed, err := s.Push(t.Context(), h.image("v1"), Plugin, module)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Push(t.Context(), h.image("v2"), Plugin, module); again != pushed || err != nil {
		t.Errorf("the same file again is %s, %v, and was %s", again, err, pushed)
	}
	if _, err := s.Push(t.Context(), h.image("config"), Config, []byte("key: value")); err != nil {
		t.Fatal(err)
	}
	// A registry on disk has it all after a restart.
	if r, err = registry.New(registry.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	h = serveHub(t, r)
	s = newStore(t, Options{})
	if d, err := s.Resolve(t.Context(), h.image("v1")); d != pushed || err != nil {
		t.Errorf("%s, %v, want %s", d, err, pushed)
	}
	if b, err := get(t, s, h.image("v2"), Plugin); !bytes.Equal(b, module) || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := get(t, s, h.image("config"), Config); string(b) != "key: value" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := get(t, s, h.host+"/p/plugin@"+pushed, Plugin); !bytes.Equal(b, module) || err != nil {
		t.Errorf("by digest: %q, %v", b, err)
	}
	if b, err := get(t, s, h.host+"/p/plugin:gone@"+pushed, Plugin); !bytes.Equal(b, module) || err != nil {
		t.Errorf("by digest, whatever the tag: %q, %v", b, err)
	}
}

func TestKindsOfImages(t *testing.T) {
	h := newHub(t)
	gz := h.blob(dockerLayer, zipped(t, tarOf(t, entry{name: "plugin.wasm", b: module})))
	other := h.blob(dockerLayer, zipped(t, tarOf(t, entry{name: "plugin.wasm", b: []byte("\x00asm arm")})))
	empty := h.blob(dockerLayer, zipped(t, tarOf(t)))
	provenance := h.blob("application/vnd.in-toto+json", []byte(`{"_type": "statement"}`))

	h.layers(dockerManifest, "docker", gz)
	h.layers(ocispec.MediaTypeImageManifest, "oci", gz, empty)
	h.layers(ocispec.MediaTypeImageManifest, "istio", h.blob(istioLayer, module))
	h.layers(ocispec.MediaTypeImageManifest, "istio-config", h.blob("application/octet-stream", []byte("{}")), h.blob(istioLayer, module))
	h.layers(ocispec.MediaTypeImageManifest, "generic", h.blob("application/octet-stream", module))

	on := func(d ocispec.Descriptor, os, arch string) ocispec.Descriptor {
		d.Platform = &ocispec.Platform{OS: os, Architecture: arch}
		return d
	}
	amd := on(h.layers(ocispec.MediaTypeImageManifest, "", gz), "linux", "amd64")
	arm := on(h.layers(ocispec.MediaTypeImageManifest, "", other), "linux", "arm64")
	attest := on(h.layers(ocispec.MediaTypeImageManifest, "", provenance), "unknown", "unknown")
	attest.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	index := func(tag, mediaType string, list ...ocispec.Descriptor) {
		h.manifest(mediaType, tag, map[string]any{"schemaVersion": 2, "mediaType": mediaType, "manifests": list})
	}
	index("both", ocispec.MediaTypeImageIndex, arm, amd, attest)
	index("list", dockerList, amd)
	index("attested", ocispec.MediaTypeImageIndex, attest, on(amd, "linux", "arm64"))
	index("wasm", ocispec.MediaTypeImageIndex, arm, on(amd, "wasip1", "wasm"))

	s := newStore(t, Options{})
	for _, tag := range []string{"docker", "oci", "istio", "istio-config", "generic", "both", "list", "attested", "wasm"} {
		if b, err := get(t, s, h.image(tag), Plugin); !bytes.Equal(b, module) || err != nil {
			t.Errorf("%s: %q, %v", tag, b, err)
		}
	}
	index("none", ocispec.MediaTypeImageIndex, attest)
	index("arms", ocispec.MediaTypeImageIndex, arm, on(arm, "linux", "s390x"))
	wrapped := h.manifest(ocispec.MediaTypeImageIndex, "", map[string]any{"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex, "manifests": []any{amd}})
	index("nested", ocispec.MediaTypeImageIndex, wrapped)
	for tag, want := range map[string]string{
		"none":   "its index has no image",
		"arms":   "it has no image for linux/amd64, but for linux/arm64, linux/s390x",
		"nested": "its index points to an index",
	} {
		if _, err := get(t, s, h.image(tag), Plugin); err == nil || err.Error() != "image "+h.image(tag)+": "+want {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

func TestErrorsSayWhatIsThere(t *testing.T) {
	h := newHub(t)
	s := newStore(t, Options{MaxFile: 64})
	layer := func(entries ...entry) ocispec.Descriptor {
		return h.blob(dockerLayer, zipped(t, tarOf(t, entries...)))
	}
	h.layers(dockerManifest, "many", layer(entry{name: "main.wasm", b: module}, entry{name: "etc/", kind: tar.TypeDir}), layer(entry{name: "./etc/passwd"}))
	h.layers(dockerManifest, "empty", layer())
	h.layers(dockerManifest, "large", layer(entry{name: "plugin.wasm", b: make([]byte, 65)}))
	h.layers(dockerManifest, "link", layer(entry{name: "plugin.wasm", kind: tar.TypeSymlink}))
	h.layers(dockerManifest, "text", layer(entry{name: "plugin.wasm", b: []byte("text")}))
	h.layers(dockerManifest, "strange", h.blob("text/plain", []byte("hello")))
	h.layers(dockerManifest, "istio", h.blob(istioLayer, module))
	h.layers(dockerManifest, "cut", h.blob(dockerLayer, zipped(t, tarOf(t, entry{name: "plugin.wasm", b: module})[:516])))
	h.layers(dockerManifest, "broken", h.blob(dockerLayer, append([]byte("\x1f\x8b"), "nothing"...)))
	h.manifest(dockerManifest, "nothing", map[string]any{"schemaVersion": 2})
	h.manifest("application/vnd.docker.distribution.manifest.v1+json", "v1", map[string]any{"schemaVersion": 1, "fsLayers": []any{}})
	file := filepath.Join(t.TempDir(), "file")
	for _, tt := range []struct {
		image  string
		file   File
		reason Reason
		want   string
	}{
		{h.image("gone"), Plugin, NotFound, "there is no such image: "},
		{h.image("many"), Plugin, NoFile, "there is no plugin.wasm at its root, but etc/passwd, main.wasm"},
		{h.image("many"), Config, NoFile, "there is no plugin.config at its root, but etc/passwd, main.wasm"},
		{h.image("istio"), Config, NoFile, "there is no plugin.config at its root, but plugin.wasm"},
		{h.image("empty"), Plugin, NoFile, "there is no plugin.wasm at its root: it is empty"},
		{h.image("large"), Plugin, TooLarge, "plugin.wasm has 65 bytes, at most 64 bytes are allowed"},
		{h.image("link"), Plugin, NoFile, "plugin.wasm is no regular file in the image"},
		{h.image("strange"), Plugin, NoFile, "there is no plugin.wasm at its root, but a layer of type text/plain"},
		{h.image("cut"), Plugin, Malformed, "a layer is cut off: unexpected EOF"},
		{h.image("broken"), Plugin, Malformed, "a layer is no gzip: "},
		{h.image("nothing"), Plugin, Malformed, "its manifest has neither layers nor manifests"},
		{h.image("v1"), Plugin, Malformed, "it has docker's first image format, which is not read: push it again"},
		{"", Plugin, Invalid, "there is no name"},
		{"plugin", Plugin, Invalid, "the name of an image begins with the host of its registry, as in us-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG"},
		{"library/plugin:v1", Plugin, Invalid, "the name of an image begins with the host of its registry, as in us-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG"},
		{"https://a.example/p:v1", Plugin, Invalid, "images are named without a scheme: write HOST/REPOSITORY:TAG"},
		{"a.example/P:v1", Plugin, Invalid, "it is not written HOST/REPOSITORY:TAG: "},
		{"a.example/p@sha256:12", Plugin, Invalid, `"sha256:12" is no digest: `},
		{"projects/p/locations/l/repositories/r/genericArtifacts/n:v1", Plugin, Invalid, "generic artifacts are reached by Google's own interface only"},
		{"file:", Plugin, Invalid, "there is no path"},
		{"file:" + file, Plugin, NotFound, "there is no such image: open "},
		{"file:" + filepath.Dir(file), Plugin, Invalid, filepath.Dir(file) + " is no regular file"},
		{"oci-layout:" + filepath.Dir(file), Plugin, Malformed, "this is no OCI layout: open "},
	} {
		_, err := get(t, s, tt.image, tt.file)
		var e *Error
		if !errors.As(err, &e) || e.Image != tt.image || e.Reason != tt.reason || !strings.HasPrefix(e.Text, tt.want) {
			t.Errorf("%s, %s: %v\nwant %s", tt.image, tt.file, err, tt.want)
		}
	}
	if b, err := get(t, s, h.image("text"), Plugin); string(b) != "text" || err != nil {
		t.Errorf("%q, %v: whether it is a module is the host's to say", b, err)
	}
}

func TestWhatWasFetchedIsKept(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	s := newStore(t, Options{Dir: dir})
	image := h.image("v1")
	d, err := s.Push(t.Context(), image, Plugin, module)
	if err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := s.Cached(image, d, Plugin); !errors.As(err, &e) || e.Reason != NotFound {
		t.Errorf("before it was fetched: %v", err)
	}
	if _, err := s.Fetch(t.Context(), image, d, Plugin); err != nil {
		t.Fatal(err)
	}
	h.srv.Close()
	again := newStore(t, Options{Dir: dir})
	if b, err := again.Cached(image, d, Plugin); !bytes.Equal(b, module) || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := again.Fetch(t.Context(), image, d, Plugin); !bytes.Equal(b, module) || err != nil {
		t.Errorf("without its registry: %q, %v", b, err)
	}
	if _, err := again.Resolve(t.Context(), image); !errors.As(err, &e) || e.Reason != Unreachable {
		t.Errorf("a tag without its registry: %v", err)
	}
	// What was damaged on disk is as if it were not there.
	for _, name := range files(t, dir) {
		b, _ := os.ReadFile(name)
		b[len(b)/2] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := again.Cached(image, d, Plugin); err == nil {
		t.Errorf("a damaged file gave %q", b)
	}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDamagedBlobIsFetchedAgain(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	s := newStore(t, Options{Dir: dir})
	if _, err := s.Push(t.Context(), h.image("v1"), Plugin, module); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, s, h.image("v1"), Plugin); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, dir) {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := get(t, s, h.image("v1"), Plugin); !bytes.Equal(b, module) || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	c := &cache{dir: dir, max: 1000}
	stale := filepath.Join(dir, ".part-1")
	if err := os.WriteFile(stale, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(stale, old(2), old(2)); err != nil {
		t.Fatal(err)
	}
	var sums []digest.Digest
	for i := range 5 {
		b := bytes.Repeat([]byte{byte(i)}, 300)
		d := digest.FromBytes(b)
		if err := c.put(d, b); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(c.path(d), old(10-i), old(10-i)); err != nil {
			t.Fatal(err)
		}
		if i == 2 && c.get(sums[0]) == nil { // it was used last now
			t.Error("the first is gone too early")
		}
		sums = append(sums, d)
	}
	for i, want := range []bool{true, false, false, true, true} {
		if got := c.get(sums[i]) != nil; got != want {
			t.Errorf("blob %d is there: %v, want %v", i, got, want)
		}
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what was abandoned is still there")
	}
}

func TestLayouts(t *testing.T) {
	base := t.TempDir()
	s := newStore(t, Options{Base: base})
	d, err := s.Push(t.Context(), "oci-layout:plugins/hello:v1", Plugin, module)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.AddFS(os.DirFS(filepath.Join(base, "plugins/hello"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "hello.tar"), archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, image := range []string{
		"oci-layout:plugins/hello:v1", "oci-layout:plugins/hello", "oci-layout:" + filepath.Join(base, "plugins/hello") + ":v1",
		"oci-layout:plugins/hello@" + d, "oci-layout:hello.tar:v1", "oci-layout:hello.tar",
	} {
		fresh := newStore(t, Options{Base: base})
		if now, err := fresh.Resolve(t.Context(), image); now != d || err != nil {
			t.Errorf("%s: %s, %v, want %s", image, now, err, d)
		}
		if b, err := fresh.Fetch(t.Context(), image, d, Plugin); !bytes.Equal(b, module) || err != nil {
			t.Errorf("%s: %q, %v", image, b, err)
		}
	}
	for image, want := range map[string]string{
		"oci-layout:plugins/hello:v2": `the layout has no tag "v2", but v1`,
		"oci-layout:plugins":          "this is no OCI layout: open ",
		"oci-layout:none.tar":         "there is no such image: ",
	} {
		var e *Error
		if _, err := s.Resolve(t.Context(), image); !errors.As(err, &e) || !strings.HasPrefix(e.Text, want) {
			t.Errorf("%s: %v", image, err)
		}
	}
}

func TestFileThatChanges(t *testing.T) {
	base := t.TempDir()
	name := filepath.Join(base, "plugin.wasm")
	if err := os.WriteFile(name, module, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, Options{Base: base})
	d, err := s.Resolve(t.Context(), "file:plugin.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(module, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := s.Fetch(t.Context(), "file:plugin.wasm", d, Plugin); !errors.As(err, &e) || !strings.HasPrefix(e.Text, "the file has changed: ") {
		t.Errorf("%v", err)
	}
	next, err := s.Resolve(t.Context(), "file:plugin.wasm")
	if err != nil || next == d {
		t.Fatal(next, err)
	}
	if _, err := s.Fetch(t.Context(), "file:plugin.wasm", next, Plugin); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Fetch(t.Context(), "file:plugin.wasm", next, Plugin); len(b) != len(module)+1 || err != nil {
		t.Errorf("what was read once is kept: %q, %v", b, err)
	}
}

func TestPushRefuses(t *testing.T) {
	s := newStore(t, Options{MaxFile: 64})
	h := newHub(t)
	for _, tt := range []struct {
		image, want string
		file        File
		b           []byte
	}{
		{"file:x", "a file is no place to push to: copy it", Plugin, module},
		{h.host + "/p/plugin@" + digest.FromBytes(nil).String(), "it is pushed to a tag: leave the digest out", Plugin, module},
		{h.image("v1"), "the file is no WebAssembly module", Plugin, []byte("text")},
		{h.image("v1"), "plugin.config has 65 bytes, at most 64 bytes are allowed", Config, make([]byte, 65)},
	} {
		var e *Error
		if _, err := s.Push(context.Background(), tt.image, tt.file, tt.b); !errors.As(err, &e) || e.Text != tt.want {
			t.Errorf("%s: %v", tt.image, err)
		}
	}
}

func TestBuiltInImagesAskNobody(t *testing.T) {
	const name = "us-docker.pkg.dev/samples/plugins/hello"
	s := newStore(t, Options{Builtin: func(image string) ([]byte, bool) {
		return module, strings.HasPrefix(image, name)
	}})
	for _, image := range []string{name, name + ":v1"} {
		if b, err := get(t, s, image, Plugin); !bytes.Equal(b, module) || err != nil || !s.Local(image) {
			t.Errorf("%s: %q, %v", image, b, err)
		}
	}
	if s.Local("us-docker.pkg.dev/samples/plugins/other") || !s.Local("file:x") || !s.Local("oci-layout:x") {
		t.Error("what is local is mistaken")
	}
}
