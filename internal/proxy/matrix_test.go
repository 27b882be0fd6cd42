package proxy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// seam is what a backend does to one request, and what its client may see.
type seam struct {
	name   string
	method string // GET if empty
	upload bool   // the request has a body whose second part comes when the backend has the head, or has answered
	play   func(a act, s *strange)
	// then is played when the client has its answer, on the connection that is idle now.
	then func(a act)
	want want
}

// want is the right answer.
type want struct {
	status  int
	body    string
	trailer string // value of x-t, to clients that take trailers
	informs []int  // to clients that take them
	// cut: the client sees that the body is not whole, or gets no answer.
	cut bool
	// no length: there must be no content-length.
	noLength bool
}

// strange is what a scene and its test tell each other.
type strange struct {
	more chan struct{} // closed: the client sends the second part
}

func answerWhole(a act) {
	a.head(200, "content-length", fmt.Sprint(len(a.path())))
	if a.method() != "HEAD" {
		a.data(a.path())
	}
	a.end()
}

var seams = []seam{
	{name: "HEAD", method: "HEAD", want: want{status: 200}, play: func(a act, _ *strange) {
		a.head(200, "content-length", "5")
		a.end()
	}},
	{name: "HEAD with trailers", method: "HEAD", want: want{status: 200}, play: func(a act, _ *strange) {
		a.head(200, "trailer", "x-t")
		a.end("x-t", "v")
	}},
	{name: "HEAD with a body", method: "HEAD", want: want{status: 200}, play: func(a act, _ *strange) {
		a.head(200, "content-length", "4")
		a.data("evil")
		a.end()
	}},
	{name: "204", want: want{status: 204, noLength: true}, play: func(a act, _ *strange) {
		a.head(204)
		a.end()
	}},
	{name: "204 with trailers", want: want{status: 204, noLength: true}, play: func(a act, _ *strange) {
		a.head(204, "trailer", "x-t")
		a.end("x-t", "v")
	}},
	{name: "204 with content-length 0", want: want{status: 204, noLength: true}, play: func(a act, _ *strange) {
		a.head(204, "content-length", "0")
		a.end()
	}},
	{name: "204 with a length", want: want{status: 502}, play: func(a act, _ *strange) {
		a.head(204, "content-length", "4")
		a.data("evil")
		a.end()
	}},
	{name: "204 with a body", want: want{status: 204, noLength: true}, play: func(a act, _ *strange) {
		a.head(204)
		a.data("evil")
		a.end()
	}},
	{name: "205", want: want{status: 205}, play: func(a act, _ *strange) {
		a.head(205, "content-length", "0")
		a.end()
	}},
	{name: "304", want: want{status: 304}, play: func(a act, _ *strange) {
		a.head(304, "content-length", "5")
		a.end()
	}},
	{name: "304 with trailers", want: want{status: 304}, play: func(a act, _ *strange) {
		a.head(304, "trailer", "x-t")
		a.end("x-t", "v")
	}},
	{name: "304 with a body", want: want{status: 304}, play: func(a act, _ *strange) {
		a.head(304)
		a.data("evil")
		a.end()
	}},
	{name: "1xx", want: want{status: 200, body: "ok", informs: []int{103, 103}}, play: func(a act, _ *strange) {
		a.inform(103)
		a.inform(103)
		a.head(200, "content-length", "2")
		a.data("ok")
		a.end()
	}},
	{name: "1xx without end", want: want{status: 502, informs: slices.Repeat([]int{102}, 16)}, play: func(a act, _ *strange) {
		for range 100 {
			a.inform(102)
		}
		a.head(200)
		a.end()
	}},
	{name: "1xx and reset", want: want{status: 502, informs: []int{103}}, play: func(a act, _ *strange) {
		a.inform(103)
		a.reset()
	}},
	{name: "trailers", want: want{status: 200, body: "ok", trailer: "v"}, play: func(a act, _ *strange) {
		a.head(200, "trailer", "x-t")
		a.data("ok")
		a.end("x-t", "v")
	}},
	{name: "early answer", method: "POST", upload: true, want: want{status: 413, body: "no"}, play: func(a act, _ *strange) {
		a.head(413, "content-length", "2")
		a.data("no")
		a.end()
	}},
	{name: "early answer and no more", method: "POST", upload: true, want: want{status: 413, body: "no"}, play: func(a act, _ *strange) {
		a.head(413, "content-length", "2")
		a.data("no")
		a.end()
		a.stop()
	}},
	{name: "answer before the body ends", method: "POST", upload: true, want: want{status: 200, body: "first, second"}, play: func(a act, s *strange) {
		a.head(200, "x-early", "yes")
		close(s.more)
		body, _ := a.read()
		a.data(body)
		a.end()
	}},
	{name: "reset", want: want{status: 502}, play: func(a act, _ *strange) { a.reset() }},
	{name: "reset of an upload", method: "POST", upload: true, want: want{status: 502}, play: func(a act, _ *strange) { a.reset() }},
	{name: "reset in the body", want: want{status: 200, cut: true}, play: func(a act, _ *strange) {
		a.head(200, "content-length", "10")
		a.data("five.")
		a.reset()
	}},
	{name: "reset in a body without length", want: want{status: 200, cut: true}, play: func(a act, _ *strange) {
		a.head(200)
		a.data("five.")
		a.reset()
	}},
	{name: "FIN", want: want{status: 502}, play: func(a act, _ *strange) { a.fin() }},
	{name: "FIN in an upload", method: "POST", upload: true, want: want{status: 502}, play: func(a act, _ *strange) { a.fin() }},
	{name: "FIN in the body", want: want{status: 200, cut: true}, play: func(a act, _ *strange) {
		a.head(200, "content-length", "10")
		a.data("five.")
		a.fin()
	}},
	{name: "FIN in a body without length", want: want{status: 200, cut: true}, play: func(a act, _ *strange) {
		a.head(200)
		a.data("five.")
		a.fin()
	}},
	{name: "stale connection", want: want{status: 200, body: "/stale"}, play: func(a act, _ *strange) { answerWhole(a) }, then: act.fin},
	{name: "reset of an idle connection", want: want{status: 200, body: "/stale"}, play: func(a act, _ *strange) { answerWhole(a) }, then: func(a act) {
		if one, ok := a.(*act1); ok {
			one.reset()
			return
		}
		a.fin()
	}},
	{name: "unsolicited bytes", want: want{status: 200, body: "/stray"}, play: func(a act, _ *strange) { answerWhole(a) }, then: act.stray},
	{name: "too short", want: want{status: 200, cut: true}, play: func(a act, _ *strange) {
		a.head(200, "content-length", "10")
		a.data("five.")
		a.end()
		if _, ok := a.(*act1); ok {
			a.fin()
		}
	}},
	{name: "status 600", want: want{status: 502}, play: func(a act, _ *strange) {
		a.head(600, "content-length", "2")
		a.data("ok")
		a.end()
	}},
	{name: "status 999", want: want{status: 502}, play: func(a act, _ *strange) {
		a.head(999, "content-length", "2")
		a.data("ok")
		a.end()
	}},
	{name: "status 99", want: want{status: 502}, play: func(a act, _ *strange) {
		a.head(99, "content-length", "2")
		a.data("ok")
		a.end()
	}},
}

// TestMatrix is every client against every backend that does every thing: the right answer or a clean error, and the next
// requests on the same connection, a whole one and an upload, get their own answers.
func TestMatrix(t *testing.T) {
	for _, protocol := range []lbv1.BackendProtocol{
		lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_HTTPS, lbv1.BackendProtocol_H2C, lbv1.BackendProtocol_HTTP2,
	} {
		for kind, newCaller := range callers {
			t.Run(kind+" to "+protocol.String(), func(t *testing.T) {
				t.Parallel()
				for _, s := range seams {
					t.Run(s.name, func(t *testing.T) { s.run(t, protocol, kind, newCaller) })
				}
			})
		}
	}
}

func (m *seam) run(t *testing.T, protocol lbv1.BackendProtocol, kind string, newCaller func(testing.TB, string) caller) {
	s := &strange{more: make(chan struct{})}
	answered, done := make(chan struct{}), make(chan struct{})
	st := newStage(t, protocol, func(a act) {
		if strings.HasPrefix(a.path(), "/next") {
			body, err := a.read()
			if err == nil {
				a.head(200, "content-length", fmt.Sprint(len(a.path()+body)))
				a.data(a.path() + body)
				a.end()
			}
			return
		}
		m.play(a, s)
		if m.then != nil {
			<-answered
			m.then(a)
			close(done)
		}
	})
	r := newRig(t, []string{st.addr}, func(model *model) {
		model.service.Protocol = protocol
		if kind == "TLS" {
			withTLS(t, model, "test.example")
		}
	})
	client := newCaller(t, r.addr)
	path := map[bool]string{true: m.want.body, false: "/first"}[strings.HasPrefix(m.want.body, "/")]
	method := m.method
	if method == "" {
		method = "GET"
	}
	var more chan struct{}
	if m.upload {
		more = s.more
	}
	got, err := client.call(method, path, "first, ", "second", more)
	m.want.check(t, kind, got, err)
	if m.then != nil {
		close(answered)
		<-done
	}
	now := make(chan struct{})
	close(now)
	for i, body := range []string{"upload", "", "upload", ""} {
		path, method, more := fmt.Sprint("/next", i), "GET", (<-chan struct{})(nil)
		if body != "" {
			method, more = "POST", now
		}
		got, err := client.call(method, path, body, body, more)
		if err != nil || got.status != 200 || got.body != path+body+body || got.cut != nil {
			t.Errorf("%s %s: %v, %d %q %v", method, path, err, got.status, got.body, got.cut)
		}
	}
}

func (w *want) check(t *testing.T, kind string, got reply, err error) {
	t.Helper()
	if w.cut {
		if err == nil && got.status == 200 && got.cut == nil {
			t.Errorf("a body that was cut looks whole: %q", got.body)
		}
		return
	}
	if err != nil || got.cut != nil {
		t.Fatalf("no answer: %v %v", err, got.cut)
	}
	if got.status != w.status || w.status < 400 && got.body != w.body {
		t.Errorf("got %d %q, want %d %q", got.status, got.body, w.status, w.body)
	}
	if kind != "1.0" {
		if !slices.Equal(got.informs, w.informs) {
			t.Errorf("informational: %v, want %v", got.informs, w.informs)
		}
		if got.trailer.Get("X-T") != w.trailer {
			t.Errorf("trailers: %v", got.trailer)
		}
	}
	if v := got.header.Values("Content-Length"); w.noLength && len(v) > 0 {
		t.Errorf("content-length: %v", v)
	}
}
