package oci

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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

// A layout is a directory whose files may be links, and those of a manifest's layout stay below the directory, too. What is no
// file is not waited for.
func TestLinksInsideALayout(t *testing.T) {
	parent := t.TempDir()
	base := filepath.Join(parent, "manifests")
	free := newStore(t, Options{Base: parent})
	sum, err := free.Push(t.Context(), "oci-layout:manifests/plugin:v1", Plugin, module)
	if err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(base, "plugin", "index.json")
	blobs := filepath.Join(base, "plugin", "blobs", "sha256")
	blob := filepath.Join(blobs, strings.TrimPrefix(sum, "sha256:"))
	for _, moved := range []string{index, blob, blobs} {
		for _, c := range []struct {
			to      string
			confine bool
			want    string
		}{
			{filepath.Join(base, "elsewhere"), true, ""},
			{filepath.Join(parent, "elsewhere"), true, "leads out of "},
			{filepath.Join(parent, "elsewhere"), false, ""},
		} {
			link, err := filepath.Rel(filepath.Dir(moved), c.to)
			if err := errors.Join(err, os.Rename(moved, c.to), os.Symlink(link, moved)); err != nil {
				t.Skip(err)
			}
			s := newStore(t, Options{Base: base, Confined: c.confine})
			_, err = s.Resolve(t.Context(), "oci-layout:plugin:v1")
			if err == nil {
				_, err = s.Fetch(t.Context(), "oci-layout:plugin:v1", sum, Plugin)
			}
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s is a link to %s (confined: %t): %v, want %q", moved, c.to, c.confine, err, c.want)
			}
			if err := errors.Join(os.Remove(moved), os.Rename(c.to, moved)); err != nil {
				t.Fatal(err)
			}
		}
		if moved == blobs {
			continue
		}
		if err := errors.Join(os.Rename(moved, moved+".away"), syscall.Mkfifo(moved, 0o600)); err != nil {
			t.Skip(err)
		}
		for _, confine := range []bool{true, false} {
			s := newStore(t, Options{Base: base, Confined: confine})
			_, err := s.Resolve(t.Context(), "oci-layout:plugin:v1")
			if err == nil {
				_, err = s.Fetch(t.Context(), "oci-layout:plugin:v1", sum, Plugin)
			}
			if err == nil || !strings.Contains(err.Error(), "no regular file") {
				t.Errorf("%s is a pipe: %v", moved, err)
			}
		}
		if err := errors.Join(os.Remove(moved), os.Rename(moved+".away", moved)); err != nil {
			t.Fatal(err)
		}
	}
}

// A layout that is a pipe is not waited for: nobody may ever write to it, and the process could not end.
func TestALayoutThatIsAPipe(t *testing.T) {
	base := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(base, "pipe.tar"), 0o600); err != nil {
		t.Skip(err)
	}
	failed := make(chan error, 1)
	s := newStore(t, Options{Base: base, Confined: true})
	go func() {
		_, err := s.Resolve(t.Context(), "oci-layout:pipe.tar")
		failed <- err
	}()
	select {
	case err := <-failed:
		if err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it is waited for")
	}
}
