package sample

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestNginxServesMountedFiles(t *testing.T) {
	program, _ := Find("nginx:1.29-alpine")
	b, err := program(pod, Container{Args: []string{"nginx", "-g", "daemon off;"}, Files: map[string][]byte{
		"/usr/share/nginx/html/index.html":      []byte("<p>store</p>"),
		"/usr/share/nginx/html/css/style.css":   []byte("p {}"),
		"/usr/share/nginx/html/docs/index.html": []byte("docs"),
		"/elsewhere/secret.html":                []byte("no"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.Handler)
	defer server.Close()
	for path, want := range map[string]struct {
		status     int
		body, kind string
	}{
		"/":                      {200, "<p>store</p>", "text/html"},
		"/index.html":            {200, "<p>store</p>", "text/html"},
		"/css/style.css":         {200, "p {}", "text/css"},
		"/docs/":                 {200, "docs", "text/html"},
		"/missing":               {404, "404 Not Found", "text/html"},
		"/elsewhere/secret.html": {404, "404 Not Found", "text/html"},
	} {
		status, body, h := get(t, server.URL+path)
		if status != want.status || !strings.Contains(body, want.body) || h.Get("Content-Type") != want.kind {
			t.Errorf("%s: %d %s %q", path, status, h.Get("Content-Type"), body)
		}
	}
}

// A built-in that cannot obey says so; the Pod shows it.
func TestProgramsSayWhatTheyCannotObey(t *testing.T) {
	for name, c := range map[string]struct {
		container Container
		want      string
	}{
		"nginx command":     {Container{Image: "nginx", Args: []string{"sh", "-c", "echo"}}, `does not run "sh -c echo"`},
		"nginx config":      {Container{Image: "nginx", Files: map[string][]byte{"/etc/nginx/conf.d/default.conf": nil}}, "/etc/nginx/conf.d/default.conf is mounted"},
		"fake upstreams":    {Container{Image: "nicholasjackson/fake-service:v0.26.2", Env: map[string]string{"UPSTREAM_URIS": "http://a"}}, "UPSTREAM_URIS"},
		"http-https-echo":   {Container{Image: "mendhak/http-https-echo:31", Args: []string{"ls"}}, `does not run "ls"`},
		"hello-app command": {Container{Image: "hello-app:1.0", Args: []string{"/other"}}, `does not run "/other"`},
		"whereami command":  {Container{Image: "whereami:v1", Args: []string{"python", "x.py"}}, `does not run "python x.py"`},
	} {
		t.Run(name, func(t *testing.T) {
			program, ok := Find(c.container.Image)
			if !ok {
				t.Fatal("unknown")
			}
			if _, err := program(pod, c.container); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestFakeServiceAndHTTPSEcho(t *testing.T) {
	server, b := start(t, "nicholasjackson/fake-service:v0.26.2", map[string]string{"LISTEN_ADDR": "0.0.0.0:9091", "NAME": "web", "MESSAGE": "hi"})
	if status, body, _ := get(t, server.URL+"/x"); status != 200 || b.Ports[0] != 9091 || !strings.Contains(body, `"name": "web"`) || !strings.Contains(body, `"body": "hi"`) {
		t.Errorf("%d %s", status, body)
	}
	server, b = start(t, "mendhak/http-https-echo:31", nil)
	status, body, _ := get(t, server.URL+"/a?q=1", "X-Test", "yes")
	if status != 200 || b.Ports[0] != 8080 || !strings.Contains(body, `"path": "/a"`) || !strings.Contains(body, `"x-test": "yes"`) || !strings.Contains(body, `"q": "1"`) {
		t.Errorf("%d %s", status, body)
	}
}
