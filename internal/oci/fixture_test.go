package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/spillway-lb/spillway/internal/oci/registry"
)

const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	istioLayer     = "application/vnd.module.wasm.content.layer.v1+wasm"
)

// module is what begins like a WebAssembly module.
var module = []byte("\x00asm\x01\x00\x00\x00hello")

// newStore makes a store that knows no credentials.
func newStore(t testing.TB, o Options) *Store {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("REGISTRY_AUTH_FILE", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	return NewStore(o)
}

// hub is a registry of the tests.
type hub struct {
	t    testing.TB
	host string
	srv  *httptest.Server
}

func newHub(t testing.TB) *hub {
	t.Helper()
	r, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return serveHub(t, r)
}

func serveHub(t testing.TB, h http.Handler) *hub {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &hub{t, strings.TrimPrefix(srv.URL, "http://"), srv}
}

// put pushes a blob or a manifest.
func (h *hub) put(method, path, mediaType string, b []byte) {
	h.t.Helper()
	q, err := http.NewRequest(method, h.srv.URL+path, bytes.NewReader(b))
	if err != nil {
		h.t.Fatal(err)
	}
	q.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		h.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
}

func (h *hub) blob(mediaType string, b []byte) ocispec.Descriptor {
	h.t.Helper()
	d := digest.FromBytes(b)
	h.put(http.MethodPost, "/v2/p/plugin/blobs/uploads/?digest="+d.String(), "application/octet-stream", b)
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}
}

// manifest pushes one to a tag, or to its digest.
func (h *hub) manifest(mediaType, tag string, v any) ocispec.Descriptor {
	h.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(b), Size: int64(len(b))}
	if tag == "" {
		tag = d.Digest.String()
	}
	h.put(http.MethodPut, "/v2/p/plugin/manifests/"+tag, mediaType, b)
	return d
}

// layers pushes an image of layers to a tag.
func (h *hub) layers(mediaType, tag string, layers ...ocispec.Descriptor) ocispec.Descriptor {
	h.t.Helper()
	return h.manifest(mediaType, tag, map[string]any{
		"schemaVersion": 2, "mediaType": mediaType, "config": h.blob("application/vnd.oci.image.config.v1+json", []byte("{}")), "layers": layers,
	})
}

func (h *hub) image(tag string) string { return h.host + "/p/plugin:" + tag }

// entry is a file of a tar.
type entry struct {
	name string
	b    []byte
	kind byte
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.b)), Typeflag: e.kind}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if e.kind == tar.TypeSymlink {
			h.Linkname = "elsewhere"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
