package oci

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// old is a time so many hours ago.
func old(hours int) time.Time { return time.Now().Add(-time.Duration(hours) * time.Hour) }

func TestRegistriesThatMisbehave(t *testing.T) {
	h := newHub(t)
	layer := h.blob(dockerLayer, zipped(t, tarOf(t, entry{name: "plugin.wasm", b: module})))
	sum := h.layers(dockerManifest, "v1", layer).Digest
	isBlob := func(q *http.Request) bool { return strings.HasSuffix(q.URL.Path, "/blobs/"+layer.Digest.String()) }
	isManifest := func(q *http.Request) bool { return strings.Contains(q.URL.Path, "/manifests/") }
	for name, tt := range map[string]struct {
		at     func(q *http.Request) bool
		does   http.HandlerFunc
		reason Reason
	}{
		"another layer": {isBlob, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("x"), int(layer.Size)))
		}, Malformed},
		"a longer layer": {isBlob, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.CopyN(w, zeros{}, 64<<20)
		}, TooLarge},
		"a shorter layer": {isBlob, func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte("x"))
		}, Malformed},
		"cut off": {isBlob, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(layer.Size))
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, Unreachable},
		"no layer":  {isBlob, http.NotFound, NotFound},
		"a page":    {isManifest, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello</html>") }, Unreachable},
		"an error":  {isManifest, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, Unreachable},
		"forbidden": {isManifest, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, Unauthorized},
		"out of TLS": {isBlob, func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, "http://blobs.example/x", http.StatusFound)
		}, Unreachable},
		"in circles":   {isBlob, func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, q.URL.Path, http.StatusFound) }, Unreachable},
		"no manifests": {isManifest, http.NotFound, NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			front := serveHub(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if tt.at(q) {
					tt.does(w, q)
					return
				}
				h.srv.Config.Handler.ServeHTTP(w, q)
			}))
			s := newStore(t, Options{Dir: t.TempDir()})
			d, err := s.Resolve(t.Context(), front.image("v1"))
			if err == nil {
				_, err = s.Fetch(t.Context(), front.image("v1"), d, Plugin)
			}
			if reasonIn(err) != tt.reason {
				t.Errorf("%v: %s, want %s", err, reasonIn(err), tt.reason)
			}
			if _, err := s.Cached(front.image("v1"), sum.String(), Plugin); err == nil {
				t.Error("it was kept")
			}
		})
	}
}

func TestRegistryThatHangs(t *testing.T) {
	arrived, leave := make(chan struct{}, 1), make(chan struct{})
	h := serveHub(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-leave
	}))
	defer close(leave)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := newStore(t, Options{})
	go func() {
		_, err := s.Resolve(ctx, h.image("v1"))
		done <- err
	}()
	<-arrived
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// guarded is a registry that wants a user.
func guarded(t *testing.T) *hub {
	h := newHub(t)
	return serveHub(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if user, password, _ := q.BasicAuth(); user != "me" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		h.srv.Config.Handler.ServeHTTP(w, q)
	}))
}

func TestCredentials(t *testing.T) {
	h := guarded(t)
	auth := base64.StdEncoding.EncodeToString([]byte("me:secret"))
	wrong := base64.StdEncoding.EncodeToString([]byte("me:no"))
	helper := "#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"me\",\"Secret\":\"secret\"}'\n"
	for name, tt := range map[string]struct {
		docker, podman string
		reason         Reason
	}{
		"none":    {``, ``, Unauthorized},
		"docker":  {`{"auths": {"` + h.host + `": {"auth": "` + auth + `"}}}`, ``, ""},
		"wrong":   {`{"auths": {"` + h.host + `": {"auth": "` + wrong + `"}}}`, ``, Unauthorized},
		"helper":  {`{"credHelpers": {"` + h.host + `": "spillwaytest"}}`, ``, ""},
		"podman":  {``, `{"auths": {"` + h.host + `": {"auth": "` + auth + `"}}}`, ""},
		"broken":  {`{`, ``, Unreachable},
		"another": {`{"auths": {"other.example": {"auth": "` + auth + `"}}}`, ``, Unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, Options{})
			dir := t.TempDir()
			write := func(name, content string, mode os.FileMode) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
					t.Fatal(err)
				}
			}
			write("docker-credential-spillwaytest", helper, 0o700)
			if tt.docker != "" {
				write("config.json", tt.docker, 0o600)
			}
			if tt.podman != "" {
				write("auth.json", tt.podman, 0o600)
				t.Setenv("REGISTRY_AUTH_FILE", filepath.Join(dir, "auth.json"))
			}
			t.Setenv("DOCKER_CONFIG", dir)
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			_, err := s.Push(t.Context(), h.image("v1"), Plugin, module)
			if reasonIn(err) != tt.reason {
				t.Fatal(err)
			}
			if tt.reason == Unauthorized && !strings.Contains(err.Error(), "docker login "+h.host) {
				t.Error(err)
			}
			if err == nil {
				if b, err := get(t, s, h.image("v1"), Plugin); !bytes.Equal(b, module) || err != nil {
					t.Errorf("%q, %v", b, err)
				}
			}
		})
	}
}

func TestTLSIsForAllButLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "a.localhost:5000": true, "127.0.0.1": true, "127.1.2.3:80": true, "[::1]:5000": true, "[::1]": true,
		"example.com": false, "10.0.0.1:5000": false, "localhost.example.com": false, "[2001:db8::1]:80": false, "127.0.0.1.example.com": false,
	} {
		if got := loopback(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
	s := newStore(t, Options{})
	i, err := ParseImage("registry.example/p:v1")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := s.repository(i); err != nil || r.PlainHTTP {
		t.Error("a registry elsewhere is asked without TLS")
	}
	q := httptest.NewRequest(http.MethodGet, "http://elsewhere.example/", nil)
	if onlyToTLS(q, nil) == nil {
		t.Error("a redirection out of TLS is followed")
	}
}

func TestImagesAreRead(t *testing.T) {
	sum := digest.FromString("x").String()
	for text, want := range map[string]Image{
		"a.example/p":                    {Host: "a.example", Repository: "p", Tag: "latest"},
		"a.example:5000/p/q:v1":          {Host: "a.example:5000", Repository: "p/q", Tag: "v1"},
		"a.example/p@" + sum:             {Host: "a.example", Repository: "p", Digest: digest.Digest(sum)},
		"localhost/p:v1@" + sum:          {Host: "localhost", Repository: "p", Tag: "v1", Digest: digest.Digest(sum)},
		"oci-layout:/d/e:v1":             {Layout: true, Path: "/d/e", Tag: "v1"},
		"oci-layout:/d:e/f":              {Layout: true, Path: "/d:e/f"},
		"oci-layout:d@" + sum:            {Layout: true, Path: "d", Digest: digest.Digest(sum)},
		"file:/d/plugin.wasm":            {Path: "/d/plugin.wasm"},
		"us-docker.pkg.dev/p/r/n:latest": {Host: "us-docker.pkg.dev", Repository: "p/r/n", Tag: "latest"},
	} {
		want.text = text
		if got, err := ParseImage(text); got != want || err != nil {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
