package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// duplex reads a body in a goroutine of its own and gives it on in pieces of another size, as a callout in full duplex does.
type duplex struct {
	src    message.Body
	ctx    context.Context
	pieces chan []byte
	err    error // when pieces is closed
}

const duplexPiece = 7001

func newDuplex(ctx context.Context, src message.Body, running *sync.WaitGroup) *duplex {
	d := &duplex{src: src, ctx: ctx, pieces: make(chan []byte)}
	running.Go(d.run)
	return d
}

func (d *duplex) run() {
	defer close(d.pieces)
	var pending []byte
	for d.err == nil {
		var p []byte
		p, d.err = d.src.Next()
		pending = append(pending, p...)
		for len(pending) >= duplexPiece || d.err == io.EOF && len(pending) > 0 {
			n := min(len(pending), duplexPiece)
			select {
			case d.pieces <- bytes.Clone(pending[:n]):
				pending = pending[n:]
			case <-d.ctx.Done():
				d.err = d.ctx.Err()
				return
			}
		}
	}
}

func (d *duplex) Next() ([]byte, error) {
	if p, ok := <-d.pieces; ok {
		return p, nil
	}
	return nil, d.err
}

func (d *duplex) Trailers() *header.Map { return d.src.Trailers() }
func (d *duplex) Close()                {}

// TestFullDuplex passes bodies of many sizes through goroutines of a filter, both ways.
func TestFullDuplex(t *testing.T) {
	backend := httpBackend(t, echoTail)
	e := &ends{}
	chains := traffic(extension.Extension{Name: "duplex", New: func(x extension.Exchange) extension.Filter {
		e.start()
		running := &sync.WaitGroup{}
		return &filterFuncs{
			x: x,
			request: func(x extension.Exchange, q *extension.Request) error {
				if !q.HasBody() {
					return nil
				}
				return q.SetBody(newDuplex(x.Context(), q.Body(), running), message.UnknownLength)
			},
			response: func(r *extension.Response) error {
				return r.SetBody(newDuplex(x.Context(), r.Body(), running), message.UnknownLength)
			},
			end: func(o extension.Outcome) {
				running.Wait()
				e.end(o)
			},
		}
	}})
	eachPairing(t, func(t *testing.T, version int, protocol lbv1.BackendProtocol) {
		r := newFilterRig(t, []string{backend}, chains, func(m *model) { m.service.Protocol = protocol })
		c := netClient(t, version)
		for _, size := range []int{0, 1, 16 << 10, 100_000, 10 << 20} {
			body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
			if got := ask(c, r, false, body); got.err != nil || got.status != 200 || got.body != body || got.tail != "sent" {
				t.Errorf("%d bytes: status %d, %d bytes came back, trailer %q, %v", size, got.status, len(got.body), got.tail, got.err)
			}
		}
	})
	e.all(t)
}

// pieces is a body of bytes that a filter makes.
type pieces struct{ list []string }

func (b *pieces) Next() ([]byte, error) {
	if len(b.list) == 0 {
		return nil, io.EOF
	}
	p := b.list[0]
	b.list = b.list[1:]
	return []byte(p), nil
}

func (b *pieces) Trailers() *header.Map { return nil }
func (b *pieces) Close()                {}

// TestWrongLengthSplitsNothing has filters whose bodies are not as long as they say. The message is cut off, and the next one on
// every connection is itself.
func TestWrongLengthSplitsNothing(t *testing.T) {
	smuggled := "POST /smuggled HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"
	var seen atomic.Int64
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/smuggled" {
			seen.Add(1)
		}
		echoTail(w, r)
	})
	for _, length := range []int64{2, 5, 400} {
		for _, way := range []string{"request", "answer"} {
			eachPairing(t, func(t *testing.T, version int, protocol lbv1.BackendProtocol) {
				body := func() *pieces { return &pieces{[]string{"hello", smuggled}} }
				f := filterFuncs{}
				if way == "request" {
					f.request = func(_ extension.Exchange, q *extension.Request) error { return q.SetBody(body(), length) }
				} else {
					f.response = func(r *extension.Response) error { return r.SetBody(body(), length) }
				}
				r := newFilterRig(t, []string{backend}, traffic(one("liar", f)), func(m *model) { m.service.Protocol = protocol })
				c := netClient(t, version)
				got := ask(c, r, false, "x")
				// A backend that has got as much as was announced may answer before it shows that there was more.
				whole := length == 5 && got.status == 200
				if way == "request" && got.err == nil && got.status != 500 && !whole || way == "answer" && got.err == nil {
					t.Errorf("%s of %d said: %+v", way, length, got)
				}
				if next := ask(c, r, true, "again"); next.status != 200 || next.body != "again" {
					t.Errorf("the next request: %+v", next)
				}
			})
		}
	}
	if seen.Load() != 0 {
		t.Error("a filter's body became a request")
	}
}

// TestBodyBasedRouting has a route filter that reads the whole body before it says where the request goes, from a client that
// waits for a 100.
func TestBodyBasedRouting(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		p, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Host+" "+string(p)+" expect="+r.Header.Get("Expect"))
	})
	read := one("router", filterFuncs{request: func(_ extension.Exchange, q *extension.Request) error {
		var all []byte
		for src := q.Body(); ; {
			p, err := src.Next()
			all = append(all, p...)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		return errors.Join(q.SetAuthority(all), q.SetBody(extension.NewLiteral(all), int64(len(all))))
	}})
	chains := &extension.Chains{Route: []extension.Chain{{Name: "r", Extensions: []extension.Extension{read}}}}
	r := newFilterRig(t, []string{backend}, chains, func(m *model) {
		m.urlMap.ListenerHosts, m.route.ListenerHost, m.route.Host = []string{"model.example"}, "model.example", "model.example"
	})
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: other.example\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n")
	if got := c.head(); !strings.HasPrefix(got, "HTTP/1.1 100 ") {
		t.Fatalf("no 100: %q", got)
	}
	c.say("model.example")
	if res, body := c.answer(t, "POST"); res.StatusCode != 200 || body != "model.example model.example expect=" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}

// TestRetriesSendWhatTheFilterMade: the client's body is read once, through the filter once.
func TestRetriesSendWhatTheFilterMade(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		p, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if bodies = append(bodies, string(p)); len(bodies) == 1 {
			w.WriteHeader(503)
		}
	})
	passed := 0
	f := one("upper", filterFuncs{request: func(_ extension.Exchange, q *extension.Request) error {
		return q.SetBody(&extension.Streamed{Source: q.Body(), Piece: func(p []byte, _ bool) ([]byte, error) {
			passed += len(p)
			return bytes.ToUpper(p), nil
		}}, message.UnknownLength)
	}})
	r := newFilterRig(t, []string{backend}, traffic(f), func(m *model) {
		m.route.Retry = &lbv1.RetryPolicy{Attempts: 1, Codes: []uint32{503}}
	})
	if got := ask(netClient(t, 1), r, false, "hello"); got.status != 200 || got.err != nil {
		t.Fatalf("%+v", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(bodies, ",") != "HELLO,HELLO" || passed != len("hello") {
		t.Errorf("the backend got %q, %d bytes went through the filter", bodies, passed)
	}
}

// TestFiltersWaitNoLongerThanTheExchange has a filter wait for nothing, in its head and in its body, until the client leaves,
// the exchange's time is over, or the proxy ends.
func TestFiltersWaitNoLongerThanTheExchange(t *testing.T) {
	backend := httpBackend(t, echoTail)
	for _, version := range []int{1, 2} {
		for _, where := range []string{"head", "body"} {
			for _, why := range []string{"client", "time", "proxy"} {
				t.Run(where+" "+why, func(t *testing.T) {
					e := &ends{}
					waiting := make(chan struct{})
					wait := func(x extension.Exchange) error {
						close(waiting)
						<-x.Context().Done()
						return x.Context().Err()
					}
					f := one("waiter", filterFuncs{
						request: func(x extension.Exchange, q *extension.Request) error {
							e.start()
							if where == "head" {
								return wait(x)
							}
							return q.SetBody(&extension.Streamed{Source: q.Body(), Piece: func([]byte, bool) ([]byte, error) {
								return nil, wait(x)
							}}, message.UnknownLength)
						},
						end: e.end,
					})
					r := newFilterRig(t, []string{backend}, traffic(f), func(m *model) {
						if why == "time" {
							m.service.Timeout = durationpb.New(time.Second) // it waits well within it
						}
					})
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					result := make(chan int, 1)
					go func() {
						req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+r.addr+"/", io.MultiReader(strings.NewReader("hello")))
						res, err := netClient(t, version).Do(req)
						if err != nil {
							result <- 0
							return
						}
						_ = res.Body.Close()
						result <- res.StatusCode
					}()
					<-waiting
					switch why {
					case "client":
						cancel()
					case "proxy":
						_ = r.Close()
					}
					if status := <-result; why == "time" && status != 504 {
						t.Errorf("status %d when time is over", status)
					}
					e.all(t)
				})
			}
		}
	}
}

// TestRouteChainsHearTheDeadline: what a route filter took of its exchange before there was a backend service ends with the
// exchange's time, and when the client leaves, all the same.
func TestRouteChainsHearTheDeadline(t *testing.T) {
	for _, why := range []string{"client", "time"} {
		t.Run(why, func(t *testing.T) {
			e, asked := &ends{}, make(chan struct{})
			backend := rawBackend(t, func(c *rawConn) {
				c.head()
				close(asked)
				c.gone()
			})
			route := extension.Extension{Name: "route", New: func(x extension.Exchange) extension.Filter {
				e.start()
				heard, held := make(chan error, 1), x.Context()
				return &filterFuncs{
					request: func(extension.Exchange, *extension.Request) error {
						go func() {
							<-held.Done()
							heard <- context.Cause(held)
						}()
						return nil
					},
					response: func(*extension.Response) error {
						t.Error("an answer of an exchange that has ended was shown")
						return nil
					},
					end: func(o extension.Outcome) {
						if got := <-heard; (got == context.DeadlineExceeded) != (why == "time") {
							t.Errorf("heard %v", got)
						}
						e.end(o)
					},
				}
			}}
			chains := traffic(one("traffic", filterFuncs{}))
			chains.Route = []extension.Chain{{Name: "r", Extensions: []extension.Extension{route}}}
			r := newFilterRig(t, []string{backend}, chains, func(m *model) {
				if why == "time" {
					m.service.Timeout = durationpb.New(time.Second) // it waits well within it
				}
			})
			c := r.dial()
			c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if why == "client" {
				<-asked
				_ = c.Close()
			} else if res, _ := c.answer(t, "GET"); res.StatusCode != 504 {
				t.Errorf("status %d", res.StatusCode)
			}
			e.all(t)
		})
	}
}

// TestUploadsThatFiltersBreakLate: a request's body that a filter ends when the head of the answer is out is no time-out of
// the backend.
func TestUploadsThatFiltersBreakLate(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n")
		c.gone()
	})
	e, begun := &ends{}, make(chan struct{})
	f := one("breaker", filterFuncs{end: e.end, request: func(_ extension.Exchange, q *extension.Request) error {
		e.start()
		first := true
		return q.SetBody(&extension.Streamed{Source: q.Body(), Piece: func(p []byte, _ bool) ([]byte, error) {
			if first {
				first = false
				return p, nil
			}
			<-begun
			return nil, errors.New("the filter failed")
		}}, message.UnknownLength)
	}})
	r := newFilterRig(t, []string{backend}, traffic(f), nil)
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 200 ") {
		t.Fatalf("got %q", head)
	}
	close(begun)
	c.say("3\r\ntwo\r\n")
	c.gone()
	e.all(t)
	if o := e.list[0]; o.Complete || o.Details != "internal_error" || o.Status != 200 {
		t.Errorf("the filter heard %+v", o)
	}
	if n := r.Metrics().FindService("service").Timeouts.Load(); n != 0 {
		t.Errorf("%d time-outs of the backend", n)
	}
}

// TestTrailersOfEveryBody: a filter sees the trailers at the end of each body, though there are none, whether its length
// was announced or not, and it may leave the length as it is.
func TestTrailersOfEveryBody(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		if r.Header.Get("X-Known") != "" {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		_, _ = w.Write(body)
		_ = http.NewResponseController(w).Flush()
	})
	for _, known := range []bool{true, false} {
		eachPairing(t, func(t *testing.T, version int, protocol lbv1.BackendProtocol) {
			var tails, answerTails atomic.Int64
			counting := func(src message.Body, n *atomic.Int64) message.Body {
				return &extension.Streamed{Source: src, Tail: func(*extension.Fields) error {
					n.Add(1)
					return nil
				}}
			}
			e := &ends{}
			f := one("tails", filterFuncs{
				end: e.end,
				request: func(_ extension.Exchange, q *extension.Request) error {
					e.start()
					if (q.Length() == 5) != known {
						t.Errorf("the request's length is %d", q.Length())
					}
					return q.SetBody(counting(q.Body(), &tails), q.Length())
				},
				response: func(r *extension.Response) error {
					if (r.Length() == 5) != known {
						t.Errorf("the answer's length is %d", r.Length())
					}
					return r.SetBody(counting(r.Body(), &answerTails), r.Length())
				},
			})
			r := newFilterRig(t, []string{backend}, traffic(f), func(m *model) { m.service.Protocol = protocol })
			var body io.Reader = strings.NewReader("hello")
			if !known {
				body = io.MultiReader(body)
			}
			req, _ := http.NewRequest("POST", "http://"+r.addr+"/", body)
			if known {
				req.Header.Set("X-Known", "1")
			}
			res, err := netClient(t, version).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if got, err := io.ReadAll(res.Body); err != nil || string(got) != "hello" || (res.Header.Get("X-Length") == "5") != known {
				t.Errorf("%q, %v; the backend was told %s", got, err, res.Header.Get("X-Length"))
			}
			e.all(t)
			if tails.Load() != 1 || answerTails.Load() != 1 {
				t.Errorf("%d and %d times", tails.Load(), answerTails.Load())
			}
		})
	}
}

// TestFiltersMisbehaveAtTheEnd: whatever a filter does when it is told of the end, its client has its answer, other filters
// hear of theirs, and the next request is served.
func TestFiltersMisbehaveAtTheEnd(t *testing.T) {
	backend := httpBackend(t, echoTail)
	eachPairing(t, func(t *testing.T, version int, protocol lbv1.BackendProtocol) {
		for _, what := range []string{"delay", "panic"} {
			e := &ends{}
			other := extension.Extension{Name: "other", New: func(extension.Exchange) extension.Filter {
				e.start()
				return &filterFuncs{end: e.end}
			}}
			bad := one("bad", filterFuncs{end: func(extension.Outcome) { _ = misact(what, nil) }})
			r := newFilterRig(t, []string{backend}, traffic(other, bad), func(m *model) { m.service.Protocol = protocol })
			c := netClient(t, version)
			for range 2 {
				if got := ask(c, r, false, "hello"); got.err != nil || got.status != 200 || got.body != "hello" {
					t.Errorf("%s: %+v", what, got)
				}
			}
			e.all(t)
		}
	})
}

// TestChooseEndpoint has a filter choose among the endpoints of the service.
func TestChooseEndpoint(t *testing.T) {
	named := func(name string) string {
		return httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	a, b := named("a"), named("b")
	var accepted atomic.Bool
	f := one("picker", filterFuncs{request: func(x extension.Exchange, _ *extension.Request) error {
		if x.Choose(addrPortOf("127.0.0.1:1")) == nil {
			accepted.Store(true)
		}
		return x.Choose(addrPortOf("127.0.0.1:1"), addrPortOf(b))
	}})
	r := newFilterRig(t, []string{a, b}, traffic(f), nil)
	for range 6 {
		if _, body := r.get("/"); body != "b" {
			t.Errorf("answered by %q", body)
		}
	}
	if accepted.Load() {
		t.Error("an endpoint that the service does not have was accepted")
	}
}

// calling is a filter that asks another backend service, and answers with what that says.
type calling struct {
	extension.Pass
	x extension.Exchange
}

func (f *calling) Request(q *extension.Request) error {
	service, target := f.x.Lookup("callout")
	if service == nil {
		return errors.New("no callout")
	}
	caller := f.x.Caller()
	c := call.Call{Service: target}
	req := &message.Request{Method: []byte("POST"), Scheme: message.SchemeHTTP, Authority: []byte("callout"), Path: []byte("/"), Major: 2}
	s := &callingSender{req: req, body: bytes.Clone(q.Path())}
	if err := c.Choose(service, &balance.PickInput{Request: req, Now: caller.Now()}); err != nil {
		return err
	}
	defer c.Close()
	wait := func() (context.Context, context.CancelFunc) { return context.WithTimeout(f.x.Context(), patience) }
	if err := caller.Open(&c, s, wait, service); err != nil {
		return err
	}
	defer s.answer.Response.Body.Close()
	p, err := s.answer.Response.Body.Next()
	if err != nil {
		return err
	}
	return q.Set("x-callout", p)
}

type callingSender struct {
	req    *message.Request
	body   []byte
	answer upstream.Answer
}

func (s *callingSender) Send(st upstream.Stream) error { return st.RoundTrip(s.req, s.body, &s.answer) }
func (s *callingSender) Resend() bool                  { return false }

// TestFilterCalls has a filter make a call of its own, as callouts do, over HTTP/2.
func TestFilterCalls(t *testing.T) {
	callout := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		p, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "called for "+string(p)+" over "+r.Proto)
	})
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("X-Callout")) })
	f := extension.Extension{Name: "caller", New: func(x extension.Exchange) extension.Filter { return &calling{x: x} }}
	r := newFilterRig(t, []string{backend}, traffic(f), func(m *model) {
		m.addService("callout", []string{callout})
		for _, res := range m.more {
			if s := res.GetBackendService(); s != nil {
				s.Protocol = lbv1.BackendProtocol_H2C
			}
		}
	})
	if _, body := r.get("/path"); body != "called for /path over HTTP/2.0" {
		t.Errorf("got %q", body)
	}
}

// TestFilterIsLogged: chain, extension, outcome and a filter's own fields are in the access log.
func TestFilterIsLogged(t *testing.T) {
	f := one("logger", filterFuncs{
		request: func(x extension.Exchange, _ *extension.Request) error {
			x.Log("user", "ann")
			x.Count("seen")
			return nil
		},
	})
	r := newFilterRig(t, []string{httpBackend(t, echoTail)}, traffic(f), nil)
	_, _ = r.get("/")
	want := []string{`"serviceExtensionInfo":[{"type":"traffic","chain":"chain","extension":"logger","outcome":"passed"`, `"fields":[{"name":"user","value":"ann"}]`}
	eventually(t, "the log line is there", func() bool {
		return strings.Contains(r.log.String(), want[0]) && strings.Contains(r.log.String(), want[1])
	})
	if n := r.Metrics().Extensions.Count("chain/logger", "seen"); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestRedirectsComeAfterTrafficFilters: they see what filters have made of the path, and filters may answer instead.
func TestRedirectsComeAfterTrafficFilters(t *testing.T) {
	f := one("pather", filterFuncs{request: func(_ extension.Exchange, q *extension.Request) error {
		if string(q.Path()) == "/reply" {
			return &extension.LocalReply{Status: 403}
		}
		return q.SetPath([]byte("/filtered"))
	}})
	r := newFilterRig(t, []string{httpBackend(t, echoTail)}, traffic(f), func(m *model) {
		m.route.Action = &lbv1.RouteRule_Redirect{Redirect: &lbv1.Redirect{Host: "elsewhere.example", Status: 302}}
	})
	if res, _ := r.get("/"); res.StatusCode != 302 || !strings.HasSuffix(res.Header.Get("Location"), "/filtered") {
		t.Errorf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if res, _ := r.get("/reply"); res.StatusCode != 403 {
		t.Errorf("%d instead of the filter's reply", res.StatusCode)
	}
}
