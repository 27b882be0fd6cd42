package sample

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

var pod = Pod{
	Name: "store-5f5b954888-dg22z", Namespace: "store", IP: "127.1.2.3", Node: "gke-gke-east-1-default-pool-7aa30992-t2lp",
	Zone: "us-east1-b", Cluster: "gke-east-1", Project: "agmsb-k8s",
}

// start runs an image on a real socket.
func start(t *testing.T, image string, env map[string]string, args ...string) (*httptest.Server, *Backend) {
	t.Helper()
	program, ok := Find(image)
	if !ok {
		t.Fatalf("%s is not known", image)
	}
	b, err := program(pod, Container{
		Image: image, Env: env, Args: args,
		Now: func() time.Time { return time.Date(2021, 6, 1, 17, 32, 51, 5e8, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.Handler)
	t.Cleanup(server.Close)
	return server, b
}

func get(t *testing.T, url string, header ...string) (status int, body string, h http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "store.example.com"
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b), answer.Header
}

func TestFindIgnoresRegistryTagAndDigest(t *testing.T) {
	for image, want := range map[string]bool{
		"us-docker.pkg.dev/google-samples/containers/gke/whereami:v1.2.20": true,
		"gcr.io/google-samples/whereami":                                   true,
		"whereami@sha256:0123":                                             true,
		"localhost:5000/whereami":                                          true,
		"k8s.gcr.io/serve_hostname:v1.4":                                   true,
		"docker.io/library/nginx:1.25":                                     true,
		"example.com/test-app":                                             false,
		"ghcr.io/spillway/test-app:v1":                                     true,
		"spillway/test-app":                                                true,
		"nginx/nginx-ingress":                                              false,
		"":                                                                 false,
	} {
		if _, got := Find(image); got != want {
			t.Errorf("Find(%q) = %t", image, got)
		}
	}
	for _, name := range Names() {
		if _, ok := Find(name); !ok {
			t.Errorf("%s is listed and not known", name)
		}
	}
}

func TestWhereamiAnswersAsTheTutorialPrints(t *testing.T) {
	server, b := start(t, "gcr.io/google-samples/whereami:v1", nil)
	want := `{
  "cluster_name": "gke-east-1",
  "zone": "us-east1-b",
  "host_header": "store.example.com",
  "node_name": "gke-gke-east-1-default-pool-7aa30992-t2lp.c.agmsb-k8s.internal",
  "pod_name": "store-5f5b954888-dg22z",
  "pod_name_emoji": "EMOJI",
  "project_id": "agmsb-k8s",
  "timestamp": "2021-06-01T17:32:51"
}
`
	status, body, header := get(t, server.URL+"/west/any")
	var fields map[string]string
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if want = strings.Replace(want, "EMOJI", fields["pod_name_emoji"], 1); body != want || status != http.StatusOK {
		t.Errorf("got %d %s\nwant %s", status, body, want)
	}
	if header.Get("Content-Type") != "application/json" || b.Ports[0] != 8080 {
		t.Errorf("headers are %v, port %d", header, b.Ports[0])
	}
	if _, body, _ := get(t, server.URL+"/healthz"); body != "OK" {
		t.Errorf("/healthz answers %q", body)
	}
	if _, body, _ := get(t, server.URL+"/zone"); body != "us-east1-b" {
		t.Errorf("/zone answers %q", body)
	}
}

func TestWhereamiObeysItsEnvironment(t *testing.T) {
	server, b := start(t, "whereami", map[string]string{
		"PORT": "9090", "METADATA": "blue", "POD_IP": "127.1.2.3", "POD_NAMESPACE": "store", "POD_SERVICE_ACCOUNT": "sa",
		"ECHO_HEADERS": "True",
	})
	_, body, _ := get(t, server.URL, "X-Test", `a "quoted" <value>`)
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for key, want := range map[string]string{
		"metadata": "blue", "pod_ip": "127.1.2.3", "pod_namespace": "store", "pod_service_account": "sa",
	} {
		if fields[key] != want {
			t.Errorf("%s is %v", key, fields[key])
		}
	}
	if headers, _ := fields["headers"].(map[string]any); headers["X-Test"] != `a "quoted" <value>` {
		t.Errorf("headers are %v", fields["headers"])
	}
	if b.Ports[0] != 9090 {
		t.Errorf("port is %d", b.Ports[0])
	}
}

func TestPlainTextImages(t *testing.T) {
	for _, tc := range []struct {
		image string
		env   map[string]string
		args  []string
		path  string
		port  uint16
		want  string
	}{
		{"hello-app:1.0", nil, nil, "/", 8080, "Hello, world!\nVersion: 1.0.0\nHostname: store-5f5b954888-dg22z\n"},
		{"hello-app:2.0", map[string]string{"PORT": "80"}, nil, "/", 80, "Hello, world!\nVersion: 2.0.0\nHostname: store-5f5b954888-dg22z\n"},
		{"k8s.gcr.io/serve_hostname", nil, nil, "/", 9376, "store-5f5b954888-dg22z"},
		{"agnhost:2.40", nil, []string{"netexec", "--http-port=81"}, "/hostname", 81, "store-5f5b954888-dg22z"},
		{"agnhost:2.40", nil, []string{"serve-hostname", "--port", "82"}, "/", 82, "store-5f5b954888-dg22z"},
		{"hashicorp/http-echo:1.0", nil, []string{"-text=hi there", "-listen=:83"}, "/", 83, "hi there\n"},
		{"hashicorp/http-echo", map[string]string{"ECHO_TEXT": "env"}, nil, "/", 5678, "env\n"},
		{"spillway/test-app", nil, nil, "/health", 8080, "ok\n"},
		{"spillway/test-app", nil, nil, "/delay/1ms", 8080, "store-5f5b954888-dg22z\n"},
		{"spillway/test-app", nil, nil, "/bytes/5", 8080, "xxxxx"},
	} {
		server, b := start(t, tc.image, tc.env, tc.args...)
		status, body, _ := get(t, server.URL+tc.path)
		if status != http.StatusOK || body != tc.want || b.Ports[0] != tc.port {
			t.Errorf("%s%s on %d answers %d %q", tc.image, tc.path, b.Ports[0], status, body)
		}
	}
}

func TestStatuses(t *testing.T) {
	for _, tc := range []struct {
		image string
		env   map[string]string
		path  string
		want  int
	}{
		{"nginx", nil, "/", 200},
		{"nginx", nil, "/absent", 404},
		{"spillway/test-app", map[string]string{"STATUS": "404"}, "/", 404},
		{"spillway/test-app", map[string]string{"STATUS": "404"}, "/health", 200},
		{"spillway/test-app", map[string]string{"HEALTH": "503"}, "/health", 503},
		{"spillway/test-app", nil, "/status/418", 418},
		{"spillway/test-app", nil, "/status/x", 400},
		{"spillway/test-app", nil, "/bytes/-1", 400},
		{"echo-basic", nil, "/status/500", 500},
	} {
		server, _ := start(t, tc.image, tc.env)
		if got, _, _ := get(t, server.URL+tc.path); got != tc.want {
			t.Errorf("%s%s answers %s", tc.image, tc.path, strconv.Itoa(got))
		}
	}
}

func TestEchoBasicTellsTheRequest(t *testing.T) {
	server, b := start(t, "gcr.io/k8s-staging-gateway-api/echo-basic:v1", map[string]string{
		"POD_NAME": "p", "NAMESPACE": "n", "SERVICE_NAME": "s",
	})
	_, body, header := get(t, server.URL+"/a?b=c", "X-One", "1", "X-Echo-Set-Header", "x-two:2, x-three:3")
	var got struct {
		Path, Host, Method, Proto, Namespace, Service, Pod, HTTPPort string
		Headers                                                      map[string][]string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.Path != "/a?b=c" || got.Host != "store.example.com" || got.Method != "GET" || got.Proto != "HTTP/1.1" ||
		got.Namespace != "n" || got.Service != "s" || got.Pod != "p" || got.Headers["X-One"][0] != "1" || b.Ports[0] != 3000 {
		t.Errorf("answer is %s", body)
	}
	if header.Get("X-Two") != "2" || header.Get("X-Three") != "3" {
		t.Errorf("headers are %v", header)
	}
}

func TestCrashAndBadSettings(t *testing.T) {
	server, b := start(t, "spillway/test-app", nil)
	get(t, server.URL+"/crash")
	select {
	case code := <-b.Exit:
		if code != 1 {
			t.Errorf("exit code is %d", code)
		}
	case <-time.After(time.Minute):
		t.Error("/crash ends nothing")
	}
	for image, c := range map[string]Container{
		"whereami":          {Env: map[string]string{"PORT": "http"}},
		"hello-app":         {Env: map[string]string{"PORT": "0"}},
		"http-echo":         {Args: []string{"-listen=:99999"}},
		"spillway/test-app": {Env: map[string]string{"STATUS": "ok"}},
	} {
		program, _ := Find(image)
		if _, err := program(pod, c); err == nil {
			t.Errorf("%s starts with %v", image, c)
		}
	}
}

func TestGuestbookHasAPageAndNoRedis(t *testing.T) {
	server, b := start(t, "us-docker.pkg.dev/google-samples/containers/gke/gb-frontend:v5", map[string]string{"GET_HOSTS_FROM": "dns"})
	if status, body, _ := get(t, server.URL+"/"); status != http.StatusOK || !strings.Contains(body, "Guestbook") || b.Ports[0] != 80 {
		t.Errorf("%d %q on %v", status, body, b.Ports)
	}
	if status, body, _ := get(t, server.URL+"/guestbook.php?cmd=get&key=messages"); status != http.StatusInternalServerError || !strings.Contains(body, "no Redis") {
		t.Errorf("%d %q", status, body)
	}
}
