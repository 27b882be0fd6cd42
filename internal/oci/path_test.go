package oci

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Names in manifests reach what is below a directory, and nothing else of the machine.
func TestConfinedNames(t *testing.T) {
	parent := t.TempDir()
	base := filepath.Join(parent, "manifests")
	for _, dir := range []string{"manifests/sub", "manifests-2"} {
		if err := os.MkdirAll(filepath.Join(parent, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"secret.wasm", "manifests/plugin.wasm", "manifests/sub/plugin.wasm", "manifests-2/plugin.wasm"} {
		if err := os.WriteFile(filepath.Join(parent, name), module, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out.wasm": "../secret.wasm", "in.wasm": "sub/plugin.wasm", "up": "..", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(base, link)); err != nil {
			t.Skip(err)
		}
	}
	s := newStore(t, Options{Base: base, Confined: true})
	for image, want := range map[string]string{
		"file:plugin.wasm":          "",
		"file:./sub/../plugin.wasm": "",
		"file:in.wasm":              "",
		"file:" + filepath.Join(base, "sub/plugin.wasm"): "",
		"file:../secret.wasm":                            "it is not below ",
		"file:../none":                                   "it is not below ",
		"file:../manifests-2/plugin.wasm":                "it is not below ",
		"file:" + filepath.Join(parent, "secret.wasm"):   "it is not below ",
		"file:/etc/hostname":                             "it is not below ",
		"file:out.wasm":                                  "it is not below ",
		"file:up/secret.wasm":                            "it is not below ",
		"oci-layout:up":                                  "it is not below ",
		"oci-layout:/:v1":                                "it is not below ",
		"file:loop":                                      "",
		"file:none.wasm":                                 "there is no such image: ",
	} {
		_, err := s.Resolve(t.Context(), image)
		if strings.HasSuffix(image, "loop") {
			if err == nil {
				t.Error("a loop of links was read")
			}
			continue
		}
		var e *Error
		if (err != nil) != (want != "") || err != nil && (!errors.As(err, &e) || !strings.HasPrefix(e.Text, want)) {
			t.Errorf("%s: %v, want %q", image, err, want)
		}
	}
}
