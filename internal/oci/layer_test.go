package oci

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestLayersAsTheyAreWritten(t *testing.T) {
	plain := tarOf(t, entry{name: "plugin.wasm", b: module})
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"tar":            plain,
		"gzip":           zipped(t, plain),
		"zstd":           enc.EncodeAll(plain, nil),
		"./":             tarOf(t, entry{name: "./", kind: tar.TypeDir}, entry{name: "./plugin.wasm", b: module}),
		"/":              tarOf(t, entry{name: "/plugin.wasm", b: module}),
		"others":         tarOf(t, entry{name: "a/plugin.wasm", b: []byte("x")}, entry{name: "plugin.wasm", b: module}, entry{name: "b"}),
		"twice":          tarOf(t, entry{name: "plugin.wasm", b: []byte("x")}, entry{name: "plugin.wasm", b: module}),
		"opaque":         tarOf(t, entry{name: "plugin.wasm", b: module}, entry{name: ".wh..wh..opq"}),
		"module":         module,
		"gzip, appended": append(zipped(t, plain), zipped(t, nil)...),
	} {
		u := &unpacker{file: Plugin, max: 100}
		if got, err := u.layer("application/vnd.oci.image.layer.v1.tar", b); !bytes.Equal(got, module) || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestUpperLayersHideLowerOnes(t *testing.T) {
	h := newHub(t)
	layer := func(entries ...entry) ocispec.Descriptor {
		return h.blob(dockerLayer, zipped(t, tarOf(t, entries...)))
	}
	first, second := layer(entry{name: "plugin.wasm", b: []byte("old")}), layer(entry{name: "plugin.wasm", b: module})
	whiteout, opaque := layer(entry{name: ".wh.plugin.wasm"}), layer(entry{name: ".wh..wh..opq"})
	h.layers(dockerManifest, "replaced", first, second)
	h.layers(dockerManifest, "back", first, whiteout, second)
	h.layers(dockerManifest, "removed", second, whiteout, layer(entry{name: "b"}))
	h.layers(dockerManifest, "emptied", second, opaque)
	s := newStore(t, Options{})
	for tag, want := range map[string][]byte{"replaced": module, "back": module, "removed": nil, "emptied": nil} {
		b, err := get(t, s, h.image(tag), Plugin)
		var e *Error
		if !bytes.Equal(b, want) || (want == nil) != (errors.As(err, &e) && e.Reason == NoFile) {
			t.Errorf("%s: %q, %v", tag, b, err)
		}
	}
}

// TestBombs has layers of which little makes much.
func TestBombs(t *testing.T) {
	var b bytes.Buffer
	enc, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(enc)
	if err := w.WriteHeader(&tar.Header{Name: "zeros", Size: maxUnpacked + 1, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, maxUnpacked+1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), enc.Close()); err != nil {
		t.Fatal(err)
	}
	u := &unpacker{file: Plugin, max: 100}
	if _, err := u.layer("", b.Bytes()); err == nil || reasonIn(err) != TooLarge {
		t.Errorf("%d bytes: %v", b.Len(), err)
	}
	// A head that promises more than there is takes no memory for it.
	lie := tarOf(t, entry{name: "plugin.wasm", b: module})
	copy(lie[124:], "77777777777\x00")
	if _, err := (&unpacker{file: Plugin, max: 1 << 40}).layer("", zipped(t, lie)); err == nil {
		t.Error("a tar with a wrong sum was read")
	}
}

func reasonIn(err error) Reason {
	var e *Error
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Reason
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestImageOfMuchElseIsTooLarge(t *testing.T) {
	h := newHub(t)
	d := ocispec.Descriptor{MediaType: dockerLayer, Digest: digest.FromString("x"), Size: 100 << 20}
	many := make([]ocispec.Descriptor, maxLayers+1)
	for i := range many {
		many[i] = h.blob(dockerLayer, zipped(t, tarOf(t)))
	}
	h.layers(dockerManifest, "many", many...)
	f := &fetch{store: newStore(t, Options{})}
	if _, err := f.blob(d, 50<<20); err == nil || err.(*Error).Text != "a layer has 100 MiB: an image of a plugin has nothing but the plugin" {
		t.Error(err)
	}
	if _, err := get(t, f.store, h.image("many"), Plugin); err == nil || !strings.HasSuffix(err.Error(), "it has 33 layers: an image of a plugin has one") {
		t.Error(err)
	}
}

// FuzzLayer wants a file within its limit or an *Error of any bytes, and no more memory than that.
func FuzzLayer(f *testing.F) {
	plain := tarOf(f, entry{name: "./plugin.wasm", b: module}, entry{name: "other", b: []byte("x")})
	for _, b := range [][]byte{nil, module, plain, zipped(f, plain), zipped(f, plain)[:40], zstdMagic, tarOf(f, entry{name: ".wh.plugin.wasm"}), []byte("text")} {
		f.Add("application/vnd.oci.image.layer.v1.tar+gzip", b)
		f.Add(istioLayer, b)
		f.Add("", b)
	}
	f.Fuzz(func(t *testing.T, mediaType string, b []byte) {
		for _, file := range []File{Plugin, Config} {
			u := &unpacker{file: file, max: 1000}
			got, err := u.layer(mediaType, b)
			var e *Error
			switch {
			case err == nil && int64(len(got)) > u.max:
				t.Errorf("%d bytes", len(got))
			case err != nil && !errors.Is(err, errAbsent) && !errors.As(err, &e):
				t.Error(err)
			}
			if e := u.absent(); e == nil {
				t.Error("no words")
			}
		}
	})
}

// FuzzManifest wants an image or an *Error of any bytes.
func FuzzManifest(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `null`, `[]`, `{"layers": [{}]}`, `{"manifests": [{"digest": "sha256:12", "platform": null}]}`, `{"fsLayers": []}`,
		`{"layers": [{"mediaType": "a", "size": -1, "digest": "` + digest.FromString("a").String() + `"}]}`,
		`{"manifests": [{"digest": "` + digest.FromString("a").String() + `", "annotations": {"vnd.docker.reference.type": "x"}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			if reasonIn(err) != Malformed {
				t.Error(err)
			}
			return
		}
		if m.isIndex() {
			if _, err := choose(m.Manifests); err != nil && reasonIn(err) != NotFound {
				t.Error(err)
			}
		}
	})
}
