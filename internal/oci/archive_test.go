package oci

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A tar that becomes a link out of the manifests after it was listed is not followed, nor is one that is a link from the start.
func TestATarIsReadBelowTheManifestsOnly(t *testing.T) {
	parent := t.TempDir()
	base, name := filepath.Join(parent, "manifests"), filepath.Join(parent, "manifests", "plugin.tar")
	content := tarOf(t, entry{name: "oci-layout", b: []byte(`{"imageLayoutVersion":"1.0.0"}`)}, entry{name: "./index.json", b: []byte(`{"manifests":[]}`)})
	if err := errors.Join(os.Mkdir(base, 0o700), os.WriteFile(name, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	at := place{within: base, name: name}
	a, err := openArchive(at)
	if err != nil {
		t.Fatal(err)
	}
	read := func() (string, error) {
		f, err := a.Open(ocispec.ImageIndexFile)
		if err != nil {
			return "", err
		}
		defer f.Close()
		b, err := readLimited(f, maxManifest)
		return string(b), err
	}
	if got, err := read(); err != nil || got != `{"manifests":[]}` {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := openLayout(at); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Rename(name, filepath.Join(parent, "plugin.tar")), os.Symlink("../plugin.tar", name)); err != nil {
		t.Skip(err)
	}
	if got, err := read(); err == nil || !strings.Contains(err.Error(), "leads out of ") {
		t.Errorf("a file of the tar: %q, %v", got, err)
	}
	if _, err := openLayout(at); err == nil || !strings.Contains(err.Error(), "leads out of ") {
		t.Errorf("the layout: %v", err)
	}
}

func TestATarWithoutAnIndex(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.tar")
	if err := os.WriteFile(name, tarOf(t, entry{name: "oci-layout", b: []byte(`{"imageLayoutVersion":"1.0.0"}`)}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openLayout(place{name: name}); err == nil || !strings.Contains(err.Error(), "the tar has no index.json") {
		t.Error(err)
	}
}
