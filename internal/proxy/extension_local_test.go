package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestLocalAnswersPassFilters: answers that the proxy makes are shown to the filters that have seen the request, head and
// body; what a filter has made, or caused, is shown to no other.
func TestLocalAnswersPassFilters(t *testing.T) {
	redirect := func(m *model) {
		m.route.Action = &lbv1.RouteRule_Redirect{Redirect: &lbv1.Redirect{Host: "elsewhere.example", Status: 302}}
		m.route.ResponseHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "x-rule", Value: "set"}}}
	}
	nowhere := func(m *model) { m.shard.Endpoints = nil }
	failing := one("failing", filterFuncs{request: func(extension.Exchange, *extension.Request) error { return errors.New("failed") }})
	replying := one("replying", filterFuncs{request: func(extension.Exchange, *extension.Request) error {
		return &extension.LocalReply{Status: 403, Body: []byte("no")}
	}})
	for name, c := range map[string]struct {
		edit   func(m *model)
		after  []extension.Extension // behind the one that is watched
		status int
		shown  bool
		body   string
	}{
		"no endpoint":       {edit: nowhere, status: 503, shown: true, body: "NO HEALTHY UPSTREAM"},
		"a redirect":        {edit: redirect, status: 302, shown: true},
		"nobody listens":    {status: 503, shown: true, body: "UPSTREAM CONNECT ERROR OR DISCONNECT/RESET BEFORE HEADERS. RESET REASON: CONNECTION FAILURE"},
		"a filter's answer": {after: []extension.Extension{replying}, status: 403, body: "no"},
		"a filter's fault":  {after: []extension.Extension{failing}, status: 500},
	} {
		eachPairing(t, func(t *testing.T, version int, protocol lbv1.BackendProtocol) {
			shown := 0
			e := &ends{}
			watched := extension.Extension{Name: "watched", New: func(extension.Exchange) extension.Filter {
				e.start()
				return &filterFuncs{end: e.end, response: func(r *extension.Response) error {
					shown++
					if v, _ := r.Get("x-rule"); v != nil {
						t.Errorf("%s: the rule's edits came first", name)
					}
					if r.HasBody() {
						upper := func(p []byte, _ bool) ([]byte, error) { return []byte(strings.ToUpper(string(p))), nil }
						if err := r.SetBody(&extension.Streamed{Source: r.Body(), Piece: upper}, message.UnknownLength); err != nil {
							return err
						}
					}
					return r.Set("x-shown", []byte("yes"))
				}}
			}}
			r := newFilterRig(t, []string{"127.0.0.1:1"}, traffic(append([]extension.Extension{watched}, c.after...)...), func(m *model) {
				m.service.Protocol = protocol
				if c.edit != nil {
					c.edit(m)
				}
			})
			res, err := netClient(t, version).Get("http://" + r.addr + "/")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			e.all(t)
			if err != nil || res.StatusCode != c.status || string(body) != c.body {
				t.Errorf("%s: status %d, %q, %v", name, res.StatusCode, body, err)
			}
			if yes := res.Header.Get("X-Shown") == "yes"; yes != c.shown || shown > 1 || (shown == 1) != c.shown {
				t.Errorf("%s: shown %d times, changed: %v", name, shown, yes)
			}
			if name == "a redirect" && res.Header.Get("X-Rule") != "set" {
				t.Error("the rule's edits are missing")
			}
		})
	}
}

// TestRouteFiltersSeeWhatRoutingAnswers: a request that goes nowhere is answered through the route chain.
func TestRouteFiltersSeeWhatRoutingAnswers(t *testing.T) {
	f := one("adder", filterFuncs{response: func(r *extension.Response) error { return r.Set("x-shown", []byte("yes")) }})
	chains := &extension.Chains{Route: []extension.Chain{{Name: "r", Extensions: []extension.Extension{f}}}}
	r := newFilterRig(t, []string{"127.0.0.1:1"}, chains, func(m *model) { m.route.Match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/elsewhere"} })
	if res, _ := r.get("/"); res.StatusCode != 404 || res.Header.Get("X-Shown") != "yes" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// TestFiltersSpoilLocalAnswers: one that fails over an answer of the proxy's own, changes its status, or holds it.
func TestFiltersSpoilLocalAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		response func(r *extension.Response) error
		status   int
		body     string
	}{
		"fails":   {func(*extension.Response) error { return errors.New("failed") }, 500, ""},
		"panics":  {func(*extension.Response) error { panic("the filter panicked") }, 500, ""},
		"replies": {func(*extension.Response) error { return &extension.LocalReply{Status: 418, Body: []byte("tea")} }, 418, "tea"},
		"status":  {func(r *extension.Response) error { return r.SetStatus(502) }, 502, "no healthy upstream"},
		"holds and fails": {func(r *extension.Response) error {
			r.Hold()
			return r.SetBody(&extension.Streamed{Source: r.Body(), Piece: func([]byte, bool) ([]byte, error) { return nil, errors.New("failed") }}, message.UnknownLength)
		}, 500, ""},
		"replaces": {func(r *extension.Response) error { return r.SetBody(extension.NewLiteral([]byte("own")), 3) }, 503, "own"},
		"empties":  {func(r *extension.Response) error { return r.SetBody(nil, 0) }, 503, ""},
	} {
		r := newFilterRig(t, nil, traffic(one("spoiler", filterFuncs{response: c.response})), nil)
		c1 := r.dial()
		for range 2 { // on one connection
			c1.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if res, body := c1.answer(t, "GET"); res.StatusCode != c.status || body != c.body {
				t.Errorf("one that %s: status %d, %q", name, res.StatusCode, body)
			}
		}
		c1.say("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
		if res, _ := c1.answer(t, "HEAD"); name != "holds and fails" && res.StatusCode != c.status {
			t.Errorf("one that %s: status %d to HEAD", name, res.StatusCode)
		}
		eventually(t, "the log says so", func() bool { return strings.Contains(r.log.String(), fmt.Sprintf(`"status":%d`, c.status)) })
	}
}

// TestOneContentType: what a filter says of its answer's body is not said by the proxy, too.
func TestOneContentType(t *testing.T) {
	f := one("html", filterFuncs{request: func(extension.Exchange, *extension.Request) error {
		return &extension.LocalReply{Status: 403, Header: []extension.Field{{Name: "Content-Type", Value: "text/html"}}, Body: []byte("<p>no")}
	}})
	r := newFilterRig(t, []string{httpBackend(t, echo)}, traffic(f), nil)
	res, body := r.get("/")
	if got := res.Header.Values("Content-Type"); len(got) != 1 || got[0] != "text/html" || body != "<p>no" {
		t.Errorf("%q, %q", got, body)
	}
}
