package filter

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

func TestRedirectLocation(t *testing.T) {
	fullPath := &lbv1.Redirect_ReplaceFull{ReplaceFull: "/all"}
	for _, c := range []struct {
		name   string
		spec   *lbv1.Redirect
		scheme string
		bound  uint16
		want   string
	}{
		{"host only, well-known port", &lbv1.Redirect{Host: "b.example"}, "http", 80, "http://b.example/foo/x?q=1"},
		{"listener port is kept", &lbv1.Redirect{Host: "b.example"}, "http", 8080, "http://b.example:8080/foo/x?q=1"},
		{"scheme's well-known port", &lbv1.Redirect{Scheme: "https"}, "http", 8080, "https://a.example/foo/x?q=1"},
		{"same scheme named", &lbv1.Redirect{Scheme: "http"}, "http", 8080, "http://a.example/foo/x?q=1"},
		{"explicit port", &lbv1.Redirect{Port: 8443, Scheme: "https"}, "http", 80, "https://a.example:8443/foo/x?q=1"},
		{"explicit well-known port", &lbv1.Redirect{Port: 443, Scheme: "https"}, "http", 80, "https://a.example/foo/x?q=1"},
		{"port 80 under https is shown", &lbv1.Redirect{Port: 80}, "https", 443, "https://a.example:80/foo/x?q=1"},
		{"https listener", &lbv1.Redirect{Path: fullPath}, "https", 443, "https://a.example/all?q=1"},
		{
			"prefix", &lbv1.Redirect{Path: &lbv1.Redirect_ReplacePrefix{ReplacePrefix: "/bar"}}, "http", 80,
			"http://a.example/bar/x?q=1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.spec.Status = 302
			r, err := CompileRedirect(c.spec, "/foo")
			if err != nil {
				t.Fatal(err)
			}
			req := &message.Request{Scheme: []byte(c.scheme), Authority: []byte("a.example:1234"), Path: []byte("/foo/x?q=1")}
			if got := string(r.Location(nil, req, c.bound, nil)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Where port 443 could not be bound, a redirect to https names the port that was bound instead.
func TestRedirectCarriesThePortThatWorks(t *testing.T) {
	r, err := CompileRedirect(&lbv1.Redirect{Scheme: "https", Status: 301}, "")
	if err != nil {
		t.Fatal(err)
	}
	req := &message.Request{Scheme: []byte("http"), Authority: []byte("a.example"), Path: []byte("/")}
	reach := func(port uint16) uint16 { return port + 10000 }
	if got := string(r.Location(nil, req, 10080, reach)); got != "https://a.example:10443/" {
		t.Error(got)
	}
}

func TestRedirectKeepsIPv6HostsAndRelativeOnesWithoutHost(t *testing.T) {
	r, err := CompileRedirect(&lbv1.Redirect{Status: 308}, "")
	if err != nil {
		t.Fatal(err)
	}
	req := &message.Request{Scheme: []byte("http"), Authority: []byte("[::1]:81"), Path: []byte("/a")}
	if got := string(r.Location(nil, req, 81, nil)); got != "http://[::1]:81/a" {
		t.Error(got)
	}
	req.Authority = nil
	if got := string(r.Location(nil, req, 81, nil)); got != "/a" {
		t.Error(got)
	}
}

func TestRedirectRefuses(t *testing.T) {
	for name, r := range map[string]*lbv1.Redirect{
		"status": {Status: 200}, "scheme": {Status: 301, Scheme: "ftp"}, "port": {Status: 301, Port: 70000},
		"host":   {Status: 301, Host: "a/b"},
		"prefix": {Status: 301, Path: &lbv1.Redirect_ReplacePrefix{ReplacePrefix: "/a"}},
	} {
		if _, err := CompileRedirect(r, ""); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A Location that begins with two slashes would name a host.
func TestRedirectWithoutHostStaysHere(t *testing.T) {
	r, err := CompileRedirect(&lbv1.Redirect{Status: 302, Path: &lbv1.Redirect_ReplacePrefix{ReplacePrefix: "/"}}, "/strip")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/strip//evil.example/x": "/.//evil.example/x", "/strip/\\evil.example": "/./\\evil.example", "/strip/a": "/a", "/strip": "/",
	} {
		req := &message.Request{Scheme: []byte("http"), Path: []byte(path)}
		if got := string(r.Location(nil, req, 80, nil)); got != want {
			t.Errorf("%s is sent to %s, want %s", path, got, want)
		}
	}
}
