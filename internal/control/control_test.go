package control_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

type source struct {
	info  control.Info
	store *store.Store
}

func (s source) Info() control.Info        { return s.info }
func (s source) Snapshot() *store.Snapshot { return s.store.Snapshot() }
func (s source) URLs() []control.URL       { return []control.URL{{Name: "g", URL: "http://127.64.0.1:80/"}} }

func (s source) Troubles(q control.Query) []control.Troubles {
	return []control.Troubles{{Namespace: q.Namespace, Name: q.Name, Texts: []string{q.Kind + " of " + q.Cluster}}}
}

func (s source) Model() *lbv1.Model {
	return &lbv1.Model{Seq: 7, Resources: []*lbv1.Resource{{
		Name: "cert", Body: &lbv1.Resource_SslCertificate{SslCertificate: &lbv1.SslCertificate{PrivateKeyPem: []byte("secret")}},
	}}}
}

func (s source) Health(name string) ([]control.Endpoint, bool) {
	return []control.Endpoint{{Address: "127.0.0.1", Port: 80}}, name == "bs"
}

func (s source) Logs(pod store.Ref, container string, from int64) control.Output {
	text := pod.Namespace + "/" + pod.Name + " " + container
	return control.Output{Text: []byte(text[from:]), Next: int64(len(text))}
}

// serve starts a server on a socket in a runtime directory of the test's own.
func serve(t *testing.T, path string, s source) net.Listener {
	t.Helper()
	l, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(s, nil)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l
}

// privateDir has a short path, as socket addresses are bounded.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return dir
}

func newSource(t *testing.T) source {
	t.Helper()
	s := store.New()
	s.Commit(func(tx *store.Tx) {
		tx.Put("west", &corev1.Secret{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "cert", Generation: 12345678},
			Data:       map[string][]byte{"tls.key": []byte("secret"), "tls.crt": []byte("public")},
		}, "a.yaml:1")
		tx.Write(store.Ref{Cluster: "west", Kind: "Secret", Namespace: "store", Name: "cert"}, &store.Written{
			Annotations: map[string]string{"a": "b"}, Finalizers: []string{"f"}, Status: &metav1.Status{Reason: "R"},
		})
	})
	return source{control.Info{PID: 1, Dir: "/manifests", Started: time.Unix(0, 0)}, s}
}

func TestRoundTrip(t *testing.T) {
	privateDir(t)
	l := serve(t, "", newSource(t))
	if info, err := os.Stat(l.Addr().String()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	client, info, err := control.Connect(t.Context(), "")
	if err != nil || info.Dir != "/manifests" {
		t.Fatalf("%+v, %v", info, err)
	}
	objects, err := client.Objects(t.Context(), control.Query{Kind: "Secret", Cluster: "west", Namespace: "store", Name: "cert"})
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	o := objects[0]
	if o.GetAnnotations()["a"] != "b" || o.GetFinalizers()[0] != "f" || o.GetGeneration() != 12345678 || o.GetResourceVersion() != "1" {
		t.Errorf("metadata %v", o.Object["metadata"])
	}
	if status, _ := o.Object["status"].(map[string]any); status["reason"] != "R" {
		t.Errorf("status %v", o.Object["status"])
	}
	if data := o.Object["data"].(map[string]any); data["tls.key"] == "c2VjcmV0" || data["tls.crt"] == "cHVibGlj" {
		t.Errorf("data %v", data)
	}
	shown, err := client.Objects(t.Context(), control.Query{Kind: "Secret", Cluster: "west", Namespace: "store", Name: "cert", Secrets: true})
	if err != nil || len(shown) != 1 || shown[0].Object["data"].(map[string]any)["tls.key"] != "c2VjcmV0" {
		t.Errorf("asked for: %v, %v", shown, err)
	}
	model, err := client.Model(t.Context())
	if err != nil || model.GetSeq() != 7 || string(model.GetResources()[0].GetSslCertificate().GetPrivateKeyPem()) != control.Redacted {
		t.Errorf("model %v, %v", model, err)
	}
	if urls, err := client.URLs(t.Context()); err != nil || len(urls) != 1 {
		t.Errorf("urls %v, %v", urls, err)
	}
	if _, err := client.Health(t.Context(), "bs"); err != nil {
		t.Error(err)
	}
	if _, err := client.Health(t.Context(), "other"); !errors.Is(err, control.ErrNotFound) {
		t.Errorf("an unknown backend service: %v", err)
	}
}

func TestLogs(t *testing.T) {
	privateDir(t)
	s := newSource(t)
	pod := store.Ref{Cluster: "west", Kind: kind.Pod, Namespace: "store", Name: "p"}
	s.store.Commit(func(tx *store.Tx) {
		tx.Put("west", &corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "p"},
		}, "a.yaml:1")
	})
	serve(t, "", s)
	client, _, err := control.Connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := client.Logs(t.Context(), pod, "app", 6); err != nil || string(out.Text) != "p app" || out.Next != 11 {
		t.Errorf("%q, %v", out.Text, err)
	}
	if _, err := client.Logs(t.Context(), pod, "app", -1); err == nil {
		t.Error("a negative offset was taken")
	}
	pod.Name = "q"
	if _, err := client.Logs(t.Context(), pod, "app", 0); !errors.Is(err, control.ErrNotFound) {
		t.Errorf("an unknown Pod: %v", err)
	}
}

func TestNoServer(t *testing.T) {
	privateDir(t)
	if _, _, err := control.Connect(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "spillway serve DIR") {
		t.Errorf("with none: %v", err)
	}
}

func TestTwoServers(t *testing.T) {
	dir := filepath.Join(privateDir(t), "spillway")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	one, two := newSource(t), newSource(t)
	one.info = control.Info{PID: 11, Dir: "/one"}
	two.info = control.Info{PID: 22, Dir: "/two"}
	serve(t, filepath.Join(dir, "11.sock"), one)
	serve(t, filepath.Join(dir, "22.sock"), two)
	_, _, err := control.Connect(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "/one") || !strings.Contains(err.Error(), "/two") {
		t.Errorf("with two: %v", err)
	}
	for _, chosen := range []string{"22", "/two", filepath.Join(dir, "22.sock")} {
		if _, info, err := control.Connect(t.Context(), chosen); err != nil || info.PID != 22 {
			t.Errorf("--server %s: %+v, %v", chosen, info, err)
		}
	}
	if _, _, err := control.Connect(t.Context(), "33"); err == nil {
		t.Error("connected to a server that is not there")
	}
}

func TestStaleSocketsGo(t *testing.T) {
	dir := filepath.Join(privateDir(t), "spillway")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "99.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if running := control.List(t.Context()); len(running) != 0 {
		t.Errorf("running: %v", running)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead server's socket is still there: %v", err)
	}
}

func TestALivingServersSocketStays(t *testing.T) {
	path := filepath.Join(privateDir(t), "s.sock")
	serve(t, path, newSource(t))
	if _, err := control.Listen(path); err == nil {
		t.Error("took a socket that is in use")
	}
}

func TestAnOpenRuntimeDirectoryIsRefused(t *testing.T) {
	dir := filepath.Join(privateDir(t), "spillway")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(""); err == nil {
		t.Error("listened in a directory open to all")
	}
}
