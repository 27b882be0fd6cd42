package registry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

func each(t *testing.T, f func(t *testing.T, r *Registry)) {
	for _, dir := range []string{"", t.TempDir()} {
		r, err := New(Options{Dir: dir, MaxBlob: 100, MaxTotal: 1000})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprintf("on disk %v", dir != ""), func(t *testing.T) { f(t, r) })
	}
}

func ask(r http.Handler, method, path, mediaType, body string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	q.Header.Set("Content-Type", mediaType)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, q)
	return w
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

func TestProtocol(t *testing.T) {
	each(t, func(t *testing.T, r *Registry) {
		layer := digest.FromString("layer").String()
		manifest := `{"layers": [{"digest": "` + layer + `"}]}`
		sum := digest.FromString(manifest).String()
		upload := ask(r, "POST", "/v2/a/b/blobs/uploads/", "", "").Header().Get("Location")
		for _, step := range []struct {
			method, path, mediaType, body string
			status                        int
			want                          string
		}{
			{"GET", "/v2/", "", "", 200, ""},
			{"GET", "/", "", "", 404, "UNSUPPORTED"},
			{"HEAD", "/v2/a/b/blobs/" + layer, "", "", 404, ""},
			{"PUT", "/v2/a/b/manifests/v1", manifestType, manifest, 400, "MANIFEST_BLOB_UNKNOWN"},
			{"PATCH", upload, "", "lay", 202, ""},
			{"PATCH", upload, "", "e", 202, ""},
			{"PUT", upload + "?digest=" + layer, "", "r", 201, ""},
			{"PUT", upload + "?digest=" + layer, "", "r", 404, "BLOB_UPLOAD_UNKNOWN"},
			{"POST", "/v2/a/b/blobs/uploads/?digest=" + layer, "", "layer", 201, ""},
			{"POST", "/v2/a/b/blobs/uploads/?digest=" + layer, "", "other", 400, "DIGEST_INVALID"},
			{"POST", "/v2/a/b/blobs/uploads/?digest=sha256:1", "", "other", 400, "DIGEST_INVALID"},
			{"POST", "/v2/a/b/blobs/uploads/?digest=" + layer, "", strings.Repeat("x", 101), 413, "SIZE_INVALID"},
			{"GET", "/v2/a/b/blobs/" + layer, "", "", 200, "layer"},
			{"PUT", "/v2/a/b/manifests/v1", "", manifest, 400, "MANIFEST_INVALID"},
			{"PUT", "/v2/a/b/manifests/v1", manifestType, "{", 400, "MANIFEST_INVALID"},
			{"PUT", "/v2/a/b/manifests/v1", manifestType, manifest, 201, ""},
			{"PUT", "/v2/a/b/manifests/" + sum, manifestType, manifest, 201, ""},
			{"PUT", "/v2/a/b/manifests/" + layer, manifestType, manifest, 400, "DIGEST_INVALID"},
			{"GET", "/v2/a/b/manifests/v1", "", "", 200, manifest},
			{"GET", "/v2/a/b/manifests/" + sum, "", "", 200, manifest},
			{"GET", "/v2/a/b/manifests/v2", "", "", 404, "MANIFEST_UNKNOWN"},
			{"GET", "/v2/other/manifests/" + sum, "", "", 404, "MANIFEST_UNKNOWN"},
			{"GET", "/v2/a/b/tags/list", "", "", 200, `{"name":"a/b","tags":["v1"]}`},
			{"GET", "/v2/other/tags/list", "", "", 404, "NAME_UNKNOWN"},
			{"GET", "/v2/A/manifests/v1", "", "", 400, "NAME_INVALID"},
			{"GET", "/v2/../../etc/blobs/passwd", "", "", 400, "NAME_INVALID"},
			{"GET", "/v2/a/blobs/../../../etc/passwd", "", "", 404, "BLOB_UNKNOWN"},
			{"DELETE", "/v2/a/b/manifests/v1", "", "", 405, "UNSUPPORTED"},
			{"GET", "/v2/a/b/blobs/uploads/x", "", "", 405, "UNSUPPORTED"},
		} {
			w := ask(r, step.method, step.path, step.mediaType, step.body)
			if w.Code != step.status || !strings.Contains(w.Body.String(), step.want) {
				t.Errorf("%s %s: %d %s, want %d %s", step.method, step.path, w.Code, w.Body, step.status, step.want)
			}
		}
		if w := ask(r, "HEAD", "/v2/a/b/manifests/v1", "", ""); w.Header().Get("Docker-Content-Digest") != sum || w.Header().Get("Content-Type") != manifestType {
			t.Error(w.Header())
		}
	})
}

func TestFullRegistrySaysSo(t *testing.T) {
	each(t, func(t *testing.T, r *Registry) {
		for i := range 20 {
			body := strings.Repeat(string(rune('a'+i)), 100)
			w := ask(r, "POST", "/v2/a/blobs/uploads/?digest="+digest.FromString(body).String(), "", body)
			if want := map[bool]int{true: 201, false: 507}[i < 10]; w.Code != want {
				t.Errorf("blob %d: %d, want %d", i, w.Code, want)
			}
		}
	})
}

func TestUploadsAreBounded(t *testing.T) {
	r, _ := New(Options{})
	first := ask(r, "POST", "/v2/a/blobs/uploads/", "", "").Header().Get("Location")
	for range maxUploads {
		ask(r, "POST", "/v2/a/blobs/uploads/", "", "")
	}
	if w := ask(r, "PATCH", first, "", "x"); w.Code != 404 {
		t.Errorf("the oldest upload goes on: %d", w.Code)
	}
}

func TestDiskKeepsToItsDirectory(t *testing.T) {
	dir := t.TempDir()
	d, err := newDisk(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"..", "../x", "a/../../x", "/etc", "", "."} {
		_ = d.write([]byte("x"), "blobs", key)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}
