package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// newFilterRig is newRig with chains at its target proxy.
func newFilterRig(t testing.TB, backends []string, chains *extension.Chains, edit func(m *model)) *rig {
	t.Helper()
	provider := func(string, *lbv1.TargetProxy, extension.Resources) (*extension.Chains, error) { return chains, nil }
	return startRig(t, proxy.Config{Extensions: provider}, nil, backends, edit)
}

// filterFuncs is a filter of functions, each of which may be nil. It counts what it is told of its end.
type filterFuncs struct {
	x             extension.Exchange
	request       func(x extension.Exchange, q *extension.Request) error
	informational func(r *extension.Response) error
	response      func(r *extension.Response) error
	end           func(o extension.Outcome)
}

func (f *filterFuncs) Request(q *extension.Request) error {
	if f.request == nil {
		return nil
	}
	return f.request(f.x, q)
}

func (f *filterFuncs) Informational(r *extension.Response) error {
	if f.informational == nil {
		return nil
	}
	return f.informational(r)
}

func (f *filterFuncs) Response(r *extension.Response) error {
	if f.response == nil {
		return nil
	}
	return f.response(r)
}

func (f *filterFuncs) End(o extension.Outcome) {
	if f.end != nil {
		f.end(o)
	}
}

// one makes an extension of a filter.
func one(name string, f filterFuncs) extension.Extension {
	return extension.Extension{Name: name, New: func(x extension.Exchange) extension.Filter {
		own := f
		own.x = x
		return &own
	}}
}

func traffic(list ...extension.Extension) *extension.Chains {
	return &extension.Chains{Traffic: []extension.Chain{{Name: "chain", Extensions: list, Match: unlessSkipped}}}
}

// unlessSkipped lets a test send requests that meet no filter.
func unlessSkipped(_ extension.Exchange, q *extension.Request) bool {
	_, skip := q.Get("x-skip")
	return !skip
}

// ends counts how filters ended, of started ones.
type ends struct {
	mu      sync.Mutex
	started int
	list    []extension.Outcome
}

func (e *ends) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.started++
}

func (e *ends) end(o extension.Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, o)
}

func (e *ends) counts() (started, ended int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.started, len(e.list)
}

// all waits until what has started has ended, and fails if an end was told twice.
func (e *ends) all(t testing.TB) {
	t.Helper()
	eventually(t, "every filter has ended", func() bool { s, n := e.counts(); return n >= s })
	if s, n := e.counts(); n != s {
		t.Errorf("%d filters started, %d ends told", s, n)
	}
}

// netClient is a net/http client of one version of HTTP that keeps its connection.
func netClient(t testing.TB, version int) *http.Client {
	t.Helper()
	var p http.Protocols
	p.SetHTTP1(version == 1)
	p.SetUnencryptedHTTP2(version == 2)
	tr := &http.Transport{Protocols: &p, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

const (
	atRequest      = "request head"
	atRequestBody  = "request body"
	atRequestTail  = "request trailers"
	at1xx          = "1xx"
	atResponse     = "answer head"
	atResponseBody = "answer body"
	atHeldBody     = "held answer body"
	atResponseTail = "answer trailers"
)

// misact is what a filter does in the phase that is tried. change is for a phase that it changes.
func misact(what string, change func()) error {
	switch what {
	case "change":
		change()
	case "delay":
		<-time.After(5 * time.Millisecond)
	case "fail":
		return errors.New("the filter failed")
	case "panic":
		panic("the filter panicked")
	case "reply":
		return &extension.LocalReply{Status: 418, Header: []extension.Field{{Name: "X-Reply", Value: "yes"}}, Body: []byte("short and stout")}
	}
	return nil
}

// misbehaving is a filter that does what in one phase.
func misbehaving(phase, what string, e *ends) extension.Extension {
	do := func(at string, change func()) error {
		if at != phase {
			return nil
		}
		return misact(what, change)
	}
	set := func(f *extension.Fields, name string) func() {
		return func() { _ = f.Set(name, []byte("changed")) }
	}
	wrap := func(src message.Body, piece, tail string) message.Body {
		return &extension.Streamed{
			Source: src,
			Piece: func(p []byte, _ bool) (out []byte, err error) {
				out = p
				err = do(piece, func() { out = bytes.ToUpper(p) })
				return out, err
			},
			Tail: func(f *extension.Fields) error { return do(tail, set(f, "x-tail")) },
		}
	}
	return extension.Extension{Name: "misbehaving", New: func(x extension.Exchange) extension.Filter {
		e.start()
		return &filterFuncs{
			x: x, end: e.end,
			request: func(_ extension.Exchange, q *extension.Request) error {
				if (phase == atRequestBody || phase == atRequestTail) && q.HasBody() {
					if err := q.SetBody(wrap(q.Body(), atRequestBody, atRequestTail), message.UnknownLength); err != nil {
						return err
					}
				}
				return do(atRequest, set(&q.Fields, "x-changed"))
			},
			informational: func(r *extension.Response) error { return do(at1xx, set(&r.Fields, "link")) },
			response: func(r *extension.Response) error {
				piece := atResponseBody
				if phase == atHeldBody {
					piece = atHeldBody
					r.Hold()
				}
				if phase == piece || phase == atResponseTail {
					if err := r.SetBody(wrap(r.Body(), piece, atResponseTail), message.UnknownLength); err != nil {
						return err
					}
				}
				return do(atResponse, set(&r.Fields, "x-changed"))
			},
		}
	}}
}

// echoTail answers with the request's body, and says in headers and trailers what it saw.
func echoTail(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Link", "</a>")
	w.Header().Set("Trailer", "X-Tail")
	w.Header().Set("X-Saw", r.Header.Get("X-Changed"))
	w.WriteHeader(http.StatusEarlyHints)
	_, _ = w.Write(body)
	w.Header().Set("X-Tail", r.Trailer.Get("X-Tail"))
}

// told is what a client got.
type told struct {
	status            int
	saw, changed      string
	body, tail, early string
	err               error
}

// ask sends a body whose length it does not say, with a trailer.
func ask(c *http.Client, r *rig, skip bool, body string) (got told) {
	trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		got.early = h.Get("Link")
		return nil
	}}
	req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "POST", "http://"+r.addr+"/", io.MultiReader(strings.NewReader(body)))
	req.Trailer = http.Header{"X-Tail": {"sent"}}
	if skip {
		req.Header.Set("X-Skip", "1")
	}
	res, err := c.Do(req)
	if err != nil {
		got.err = err
		return got
	}
	defer func() { _ = res.Body.Close() }()
	p, err := io.ReadAll(res.Body)
	got.status, got.saw, got.changed = res.StatusCode, res.Header.Get("X-Saw"), res.Header.Get("X-Changed")
	got.body, got.err, got.tail = string(p), err, res.Trailer.Get("X-Tail")
	return got
}

func eachPairing(t *testing.T, f func(t *testing.T, version int, protocol lbv1.BackendProtocol)) {
	for _, version := range []int{1, 2} {
		for _, protocol := range []lbv1.BackendProtocol{lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_H2C} {
			t.Run(fmt.Sprintf("client HTTP-%d backend %v", version, protocol), func(t *testing.T) { f(t, version, protocol) })
		}
	}
}

// TestFiltersInEveryPhase has a filter change, delay, fail, panic and reply in every phase. The client gets what is right,
// the filter hears of its end once, and the next request is answered as itself.
func TestFiltersInEveryPhase(t *testing.T) {
	backend := httpBackend(t, echoTail)
	phases := []string{atRequest, atRequestBody, atRequestTail, at1xx, atResponse, atResponseBody, atHeldBody, atResponseTail}
	eachPairing(t, func(t *testing.T, version int, protocol lbv1.BackendProtocol) {
		for _, phase := range phases {
			for _, what := range []string{"change", "delay", "fail", "panic", "reply"} {
				t.Run(phase+" "+what, func(t *testing.T) {
					e := &ends{}
					r := newFilterRig(t, []string{backend}, traffic(misbehaving(phase, what, e)), func(m *model) { m.service.Protocol = protocol })
					c := netClient(t, version)
					got := ask(c, r, false, "hello")
					checkTold(t, phase, what, got)
					if next := ask(c, r, true, "again"); next.err != nil || next.status != 200 || next.body != "again" || next.tail != "sent" {
						t.Errorf("the next request: %+v", next)
					}
					e.all(t)
					eventually(t, "the event is counted", func() bool {
						return r.Metrics().Extensions.Count("chain/misbehaving", eventOf(what)) == 1
					})
				})
			}
		}
	})
}

func eventOf(what string) string {
	switch what {
	case "fail":
		return "failed"
	case "panic":
		return "panicked"
	case "reply":
		return "replied"
	}
	return "passed"
}

func checkTold(t *testing.T, phase, what string, got told) {
	t.Helper()
	want := told{status: 200, body: "hello", tail: "sent", early: "</a>"}
	if what == "change" {
		switch phase {
		case atRequest:
			want.saw = "changed"
		case atRequestBody, atResponseBody, atHeldBody:
			want.body = "HELLO"
		case atRequestTail, atResponseTail:
			want.tail = "changed"
		case at1xx:
			want.early = "changed"
		case atResponse:
			want.changed = "changed"
		}
	}
	if what == "change" || what == "delay" {
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		return
	}
	switch {
	case phase == atResponseBody || phase == atResponseTail:
		if got.err == nil {
			t.Errorf("an answer that was cut short came whole: %+v", got)
		}
	case got.err != nil:
		t.Errorf("no whole answer: %+v", got)
	case what == "reply":
		if got.status != 418 || got.body != "short and stout" {
			t.Errorf("got %+v, want the filter's reply", got)
		}
	case got.status != 500:
		t.Errorf("got %+v, want 500", got)
	}
}

// TestOrderOfPhases follows a request that everybody changes.
func TestOrderOfPhases(t *testing.T) {
	var mu sync.Mutex
	var events []string
	saw := func(f string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, fmt.Sprintf(f, a...))
	}
	note := func(name string) extension.Extension {
		return one(name, filterFuncs{
			request: func(x extension.Exchange, q *extension.Request) error {
				v, _ := q.Get("x-rule")
				service := "-"
				if s := x.Service(); s != nil {
					service = s.Name
				}
				saw("%s in: %s%s service %s, rule's edit %q", name, q.Authority(), q.Path(), service, v)
				if name == "router" {
					return errors.Join(q.SetAuthority([]byte("routed.example")), q.SetPath([]byte("/a/../old/x")))
				}
				return nil
			},
			response: func(r *extension.Response) error {
				v, _ := r.Get("x-rule")
				saw("%s out: rule's edit %q", name, v)
				return nil
			},
			end: func(o extension.Outcome) { saw("%s end %d", name, o.Status) },
		})
	}
	chains := &extension.Chains{
		Route:   []extension.Chain{{Name: "r", Extensions: []extension.Extension{note("router")}}},
		Traffic: []extension.Chain{{Name: "t", Extensions: []extension.Extension{note("first"), note("second")}}},
	}
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		saw("backend: %s%s rule's edit %q", r.Host, r.URL.Path, r.Header.Get("X-Rule"))
	})
	r := newFilterRig(t, []string{backend}, chains, func(m *model) {
		m.urlMap.ListenerHosts, m.route.ListenerHost, m.route.Host = []string{"routed.example"}, "routed.example", "routed.example"
		m.route.Match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/old"}
		m.route.RequestHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "x-rule", Value: "set"}}}
		m.route.ResponseHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "x-rule", Value: "set"}}}
		m.route.UrlRewrite = &lbv1.UrlRewrite{Path: &lbv1.UrlRewrite_ReplacePrefix{ReplacePrefix: "/new"}}
	})
	res, _ := r.get("/anything")
	if res.StatusCode != 200 || res.Header.Get("X-Rule") != "set" {
		t.Fatalf("%v", res)
	}
	want := []string{
		`router in: test.example/anything service -, rule's edit ""`,
		`first in: routed.example/old/x service service, rule's edit ""`,
		`second in: routed.example/old/x service service, rule's edit ""`,
		`backend: routed.example/new/x rule's edit "set"`,
		`second out: rule's edit ""`,
		`first out: rule's edit ""`,
		`router out: rule's edit ""`,
		`second end 200`,
		`first end 200`,
		`router end 200`,
	}
	eventually(t, "all ends are told", func() bool { mu.Lock(); defer mu.Unlock(); return len(events) >= len(want) })
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(events, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	eventually(t, "the log has what the client asked for", func() bool { return strings.Contains(r.log.String(), "test.example/anything") })
}

func addrPortOf(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
