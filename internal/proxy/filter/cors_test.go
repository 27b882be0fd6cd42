package filter

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

func corsRequest(method string, headers ...string) *message.Request {
	return &message.Request{Method: []byte(method), Path: []byte("/"), Header: *fields(headers...)}
}

func TestPreflight(t *testing.T) {
	listed := &lbv1.CorsPolicy{
		AllowOrigins: []string{"https://app.example", "https://*.wild.example:8443"}, AllowMethods: []string{"GET", "PUT"},
		AllowHeaders: []string{"x-a", "x-b"}, ExposeHeaders: []string{"x-c", "x-d"}, MaxAge: durationpb.New(time.Hour),
	}
	wild := &lbv1.CorsPolicy{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}}
	trusted := &lbv1.CorsPolicy{
		AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}, AllowCredentials: true,
	}
	for _, c := range []struct {
		name   string
		policy *lbv1.CorsPolicy
		origin string
		want   string
	}{
		{"exact origin", listed, "https://app.example", lines(
			"vary: Origin", "access-control-allow-origin: https://app.example",
			"access-control-allow-methods: GET, PUT", "access-control-allow-headers: x-a, x-b",
			"access-control-expose-headers: x-c, x-d", "access-control-max-age: 3600")},
		{"wildcard origin", listed, "https://x.y.wild.example:8443", lines(
			"vary: Origin", "access-control-allow-origin: https://x.y.wild.example:8443",
			"access-control-allow-methods: GET, PUT", "access-control-allow-headers: x-a, x-b",
			"access-control-expose-headers: x-c, x-d", "access-control-max-age: 3600")},
		{"other scheme", listed, "http://app.example", lines("vary: Origin")},
		{"other port", listed, "https://x.wild.example", lines("vary: Origin")},
		{"the wildcard's own domain", listed, "https://wild.example:8443", lines("vary: Origin")},
		{"all wildcards", wild, "https://any.example", lines("access-control-allow-origin: *",
			"access-control-allow-methods: *", "access-control-allow-headers: *")},
		{"wildcards with credentials echo", trusted, "https://any.example", lines(
			"vary: Origin", "access-control-allow-origin: https://any.example", "access-control-allow-credentials: true",
			"access-control-allow-methods: PUT", "access-control-allow-headers: x-z")},
	} {
		t.Run(c.name, func(t *testing.T) {
			cors, err := CompileCORS(c.policy)
			if err != nil {
				t.Fatal(err)
			}
			req := corsRequest("OPTIONS", "origin: "+c.origin,
				"access-control-request-method: PUT", "access-control-request-headers: x-z")
			if !cors.IsPreflight(req) {
				t.Fatal("not seen as a preflight")
			}
			var answer header.Map
			cors.Preflight(req, &answer)
			if got := dump(&answer); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestNotAPreflight(t *testing.T) {
	cors, err := CompileCORS(&lbv1.CorsPolicy{AllowOrigins: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]*message.Request{
		"GET":            corsRequest("GET", "origin: https://a.example", "access-control-request-method: PUT"),
		"without origin": corsRequest("OPTIONS", "access-control-request-method: PUT"),
		"without method": corsRequest("OPTIONS", "origin: https://a.example"),
	} {
		if cors.IsPreflight(req) {
			t.Errorf("%s is taken as a preflight", name)
		}
	}
}

func TestActual(t *testing.T) {
	cors, err := CompileCORS(&lbv1.CorsPolicy{
		AllowOrigins: []string{"https://app.example"}, ExposeHeaders: []string{"x-a", "x-b"}, AllowCredentials: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	backend := []string{"access-control-allow-origin: *", "x-a: 1"}
	for _, c := range []struct {
		name string
		req  *message.Request
		want string
	}{
		{"allowed", corsRequest("GET", "origin: https://app.example"), lines(
			"x-a: 1", "vary: Origin", "access-control-allow-origin: https://app.example",
			"access-control-allow-credentials: true", "access-control-expose-headers: x-a, x-b")},
		{"not allowed", corsRequest("GET", "origin: https://evil.example"), lines("x-a: 1", "vary: Origin")},
		{"no origin", corsRequest("GET"), lines(append(backend[:2:2], "vary: Origin")...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := fields(backend...)
			cors.Actual(c.req, answer)
			if got := dump(answer); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestCompileCORSRefuses(t *testing.T) {
	for name, p := range map[string]*lbv1.CorsPolicy{
		"no scheme":         {AllowOrigins: []string{"a.example"}},
		"wildcard inside":   {AllowOrigins: []string{"https://a.*.example"}},
		"path":              {AllowOrigins: []string{"https://a.example/x"}},
		"header line break": {AllowHeaders: []string{"a\r\nb"}},
	} {
		if _, err := CompileCORS(p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestVaryIsSaidOnce(t *testing.T) {
	cors, err := CompileCORS(&lbv1.CorsPolicy{AllowOrigins: []string{"https://app.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, has := range []string{"vary: accept, origin", "vary: *"} {
		answer := fields(has)
		if cors.Actual(corsRequest("GET"), answer); dump(answer) != lines(has) {
			t.Errorf("got\n%s", dump(answer))
		}
	}
	open, err := CompileCORS(&lbv1.CorsPolicy{AllowOrigins: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	answer := &header.Map{}
	if open.Actual(corsRequest("GET"), answer); answer.Len() != 0 {
		t.Errorf("got\n%s", dump(answer))
	}
}
