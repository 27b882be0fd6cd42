package chains_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// TestSample is the seeds' walk-through: a routing extension sends the request elsewhere, a traffic extension says hello.
func TestSample(t *testing.T) {
	for _, version := range []int{1, 2} {
		x := newSite(t, setup{
			callout: handler(calloutserver.Basic),
			route:   []*lbv1.Extension{ext(requestHeaders)}, traffic: []*lbv1.Extension{ext(responseHeaders)},
			edit: func(m *resources) {
				m.rule.Host = "service-extensions.com"
			},
		})
		g := x.ask(version, "GET", "/serviceextensions?a=b", "")
		if g.status != 200 || g.header.Get("Hello") != "service-extensions" || !strings.HasPrefix(g.header.Get("X-Saw"), "service-extensions.com/") {
			t.Errorf("HTTP/%d: %+v", version, g)
		}
		eventually(t, "a line is logged", func() bool { return strings.Contains(x.log.String(), `"OK"`) })
	}
}

// upperEvents answers bodies in upper case, fields and trailers with one of its own.
func upperEvents(duplex bool) calloutserver.Events {
	change := func(b *extprocv3.HttpBody) *extprocv3.BodyResponse {
		p := bytes.ToUpper(b.GetBody())
		if duplex {
			return calloutserver.Piece(p, b.GetEndOfStream())
		}
		return calloutserver.Replace(p)
	}
	tail := func(*extprocv3.HttpTrailers) *extprocv3.TrailersResponse {
		return &extprocv3.TrailersResponse{HeaderMutation: calloutserver.Set("x-tail", "changed")}
	}
	head := func(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse {
		return calloutserver.Headers(calloutserver.Set("x-ext", "seen"))
	}
	return calloutserver.Events{
		RequestHeaders: head, ResponseHeaders: head, RequestBody: change, ResponseBody: change, RequestTrailers: tail, ResponseTrailers: tail,
	}
}

// TestEvents takes every set of events in every mode through callouts with TLS and without, over both versions of HTTP.
func TestEvents(t *testing.T) {
	body := strings.Repeat("hello ", 10_000)
	for _, plain := range []bool{false, true} {
		for _, duplex := range []bool{false, true} {
			for name, events := range map[string][]lbv1.Extension_Event{
				"request headers": {requestHeaders}, "request body": {requestBody, requestTrailers}, "request": {requestHeaders, requestBody, requestTrailers},
				"response headers": {responseHeaders}, "response body": {responseBody, responseTrailers}, "response": {responseHeaders, responseBody, responseTrailers},
				"all": {requestHeaders, requestBody, requestTrailers, responseHeaders, responseBody, responseTrailers}, "trailers": {requestTrailers, responseTrailers},
			} {
				t.Run(fmt.Sprintf("%s duplex=%v plain=%v", name, duplex, plain), func(t *testing.T) {
					e := ext(events...)
					if duplex {
						e.RequestBodySendMode, e.ResponseBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED, lbv1.Extension_FULL_DUPLEX_STREAMED
					}
					x := newSite(t, setup{callout: handler(upperEvents(duplex)), plain: plain, traffic: []*lbv1.Extension{e}})
					has := func(list ...lbv1.Extension_Event) bool {
						for _, ev := range list {
							for _, have := range events {
								if ev == have {
									return true
								}
							}
						}
						return false
					}
					want := body
					if has(requestBody, responseBody) {
						want = strings.ToUpper(body)
					}
					for _, version := range []int{1, 2} {
						g := x.ask(version, "POST", "/", body)
						tail := "sent"
						if has(requestTrailers, responseTrailers) {
							tail = "changed"
						}
						if g.err != nil || g.status != 200 || g.body != want || g.tail != tail {
							t.Errorf("HTTP/%d: status %d, %d bytes, trailer %q, %v", version, g.status, len(g.body), g.tail, g.err)
						}
						if saw := strings.Contains(g.header.Get("X-Saw"), "seen"); saw != has(requestHeaders) {
							t.Errorf("HTTP/%d: the backend saw %q", version, g.header.Get("X-Saw"))
						}
						if changed := g.header.Get("X-Ext") == "seen"; changed != has(responseHeaders) {
							t.Errorf("HTTP/%d: the client saw %q", version, g.header.Get("X-Ext"))
						}
						if g := x.ask(version, "GET", "/", ""); g.err != nil || g.status != 200 || g.body != "" {
							t.Errorf("HTTP/%d: a GET: %+v", version, g)
						}
						if g := x.ask(version, "HEAD", "/", ""); g.err != nil || g.status != 200 || g.body != "" {
							t.Errorf("HTTP/%d: a HEAD: %+v", version, g)
						}
					}
				})
			}
		}
	}
}
