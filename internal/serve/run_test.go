package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/control"
)

// app is a Gateway of that name with an app that answers slowly when it is told to.
const app = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: NAME}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 8082}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: NAME}]
  rules: [{backendRefs: [{name: app, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: spillway/test-app, ports: [{containerPort: 8080}]}]}
`

// buffer is a strings.Builder for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// running is a server in this process.
type running struct {
	*server
	dir, state string
	out        *buffer
	stop       context.CancelFunc
	done       chan error
}

// start serves a directory with the given files.
func start(t *testing.T, files map[string]string, drain time.Duration) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "sw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &running{dir: filepath.Join(dir, "d")}
	for name, text := range files {
		r.write(t, name, text)
	}
	return startIn(t, dir, drain, time.Now)
}

// startIn serves what is in the folder d below a directory; the state is kept beside it.
func startIn(t *testing.T, dir string, drain time.Duration, now func() time.Time) *running {
	t.Helper()
	return startWith(t, dir, func(c *Config) { c.Drain, c.Now = drain, now })
}

// startWith is startIn with other settings.
func startWith(t *testing.T, dir string, set func(*Config)) *running {
	t.Helper()
	r := &running{dir: filepath.Join(dir, "d"), state: filepath.Join(dir, "state"), out: &buffer{}, done: make(chan error, 1)}
	var err error
	config := Config{
		Dir: r.dir, Socket: filepath.Join(dir, "s"), State: r.state, Images: filepath.Join(dir, "images"), Drain: time.Second, Format: FormatText, Out: r.out,
		Log: slog.New(slog.DiscardHandler), Version: "test", Now: time.Now,
	}
	set(&config)
	r.server, err = newServer(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.done <- r.run(ctx) }()
	t.Cleanup(func() {
		r.end(t)
		if t.Failed() {
			t.Log(r.out.String())
		}
	})
	return r
}

// end stops the server and waits for it.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case err := <-r.done:
		r.done <- err
	case <-time.After(time.Minute):
		t.Error("the server does not end")
	}
}

func (r *running) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually polls a condition.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute) // test machines are slow, more so under the race detector
	for !f() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// url waits for the first URL that answers.
func (r *running) url(t *testing.T) string {
	t.Helper()
	var url string
	eventually(t, "a URL answers", func() bool {
		for _, u := range r.source.URLs() {
			if code, _, err := get(u.URL + "/health"); err == nil && code == http.StatusOK {
				url = u.URL
				return true
			}
		}
		return false
	})
	return url
}

func get(url string) (code int, body string, err error) { return send(http.MethodGet, url, nil) }

func post(url string, body io.Reader) (int, string, error) { return send(http.MethodPost, url, body) }

func send(method, url string, body io.Reader) (code int, answer string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		return 0, "", err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// active counts requests on their way to backends.
func (r *running) active() (n int64) {
	for _, l := range r.planes.All() {
		for _, res := range r.model.All().GetResources() {
			s := l.Proxy.Root().ServiceByName(res.GetName())
			if res.GetBackendService() == nil || s == nil {
				continue
			}
			for _, e := range s.Endpoints() {
				n += e.Endpoint.Active()
			}
		}
	}
	return n
}

type answer struct {
	code int
	body string
	err  error
}

// slow starts a request that ends with its body, and returns when it is on its way.
func (r *running) slow(t *testing.T, url string) (finish func(), answers chan answer) {
	t.Helper()
	eventually(t, "earlier requests have ended", func() bool { return r.active() == 0 })
	body, write := io.Pipe()
	t.Cleanup(func() { write.Close() })
	answers = make(chan answer, 1)
	go func() {
		code, body, err := post(url+"/echo", body)
		answers <- answer{code, body, err}
	}()
	if _, err := io.WriteString(write, "body"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request is in flight", func() bool { return r.active() > 0 })
	return func() { write.Close() }, answers
}

func TestRequestsInFlightOutliveTheEnd(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "drain-a")}, time.Minute)
	finish, answers := r.slow(t, r.url(t))
	r.stop()
	eventually(t, "the server ends", func() bool { return strings.Contains(r.out.String(), "requests in flight are answered first") })
	finish()
	if a := <-answers; a.err != nil || a.code != http.StatusOK || a.body != "body" {
		t.Errorf("the request in flight was answered %+v", a)
	}
	err := <-r.done
	r.done <- err
	if err != nil {
		t.Error(err)
	}
}

func TestDrainingIsBounded(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "drain-b")}, 100*time.Millisecond)
	finish, answers := r.slow(t, r.url(t))
	r.stop()
	err := <-r.done
	r.done <- err
	if err == nil || !strings.Contains(err.Error(), "requests were cut") {
		t.Errorf("error %v", err)
	}
	finish()
	if a := <-answers; a.err == nil && a.code == http.StatusOK {
		t.Errorf("a request that outlasts the draining was answered %+v", a)
	}
}

func cluster(name, region string) string {
	return fmt.Sprintf("apiVersion: spillway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: %s}\nspec: {region: %s}\n", name, region)
}

func TestLocationsFollowTheClusters(t *testing.T) {
	r := start(t, map[string]string{
		"a/cluster.yaml": cluster("a", "us-west1"),
		"a/app.yaml":     strings.ReplaceAll(strings.ReplaceAll(app, "NAME", "places"), "managed", "managed-mc"),
	}, time.Second)
	regions := func() string {
		var out []string
		for _, u := range r.source.URLs() {
			out = append(out, u.Region)
		}
		return strings.Join(out, " ")
	}
	eventually(t, "one location", func() bool { return regions() == "us-west1" })
	r.write(t, "b/cluster.yaml", cluster("b", "europe-west1"))
	eventually(t, "two locations", func() bool { return regions() == "us-west1 europe-west1" })
	for _, u := range r.source.URLs() {
		eventually(t, "an answer from "+u.Region, func() bool {
			code, _, err := get(u.URL + "/health")
			return err == nil && code != 0
		})
	}
	if err := os.RemoveAll(filepath.Join(r.dir, "b")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one location again", func() bool { return regions() == "us-west1" })
	info := r.source.Info()
	if info.ConfigCluster != "a" || info.Home != "us-west1" || len(info.Clusters) != 1 || info.Clusters[0].Project != "spillway" {
		t.Errorf("info %+v", info)
	}
}

func TestProblemsAreToldAndSolved(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "problems")
	r := start(t, map[string]string{"app.yaml": good}, time.Second)
	url := r.url(t)
	r.write(t, "app.yaml", strings.Replace(good, "port: 8082", "port: 99999", 1))
	eventually(t, "the problem is told", func() bool { return strings.Contains(r.out.String(), "app.yaml:7:") })
	if code, _, err := get(url + "/health"); err != nil || code != http.StatusOK {
		t.Errorf("while the file is broken: %d, %v", code, err)
	}
	r.write(t, "app.yaml", good)
	eventually(t, "the solution is told", func() bool { return strings.Contains(r.out.String(), "solved: app.yaml:7:") })
}

func TestJSONLines(t *testing.T) {
	out := &buffer{}
	r := newReporter(out, FormatJSON, time.Now)
	r.say("hello %s", "world")
	r.block("", "  http://a", "")
	if got := strings.Count(out.String(), "\n"); got != 2 || !strings.Contains(out.String(), `"msg":"hello world"`) {
		t.Errorf("printed %s", out.String())
	}
}

func TestHealthListsEveryLocation(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "health")}, time.Second)
	r.url(t)
	name := ""
	for _, res := range r.model.All().GetResources() {
		if res.GetBackendService() != nil && strings.Contains(res.GetName(), "-app-") {
			name = res.GetName()
		}
	}
	eventually(t, "the endpoint is healthy", func() bool {
		endpoints, ok := r.source.Health(name)
		return ok && len(endpoints) == 1 && endpoints[0].State == "HEALTHY" && len(endpoints[0].Locations) == 1 &&
			endpoints[0].Locations[0].Location == "us-west1" && endpoints[0].Port != 0
	})
	if _, ok := r.source.Health("other"); ok {
		t.Error("a backend service that is not there has health")
	}
	client := control.NewClient(r.socket.Addr().String())
	if _, err := client.Health(t.Context(), name); err != nil {
		t.Error(err)
	}
}
