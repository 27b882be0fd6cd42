package chains_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// answeringEach is a callout of a function that is shown each event.
func answeringEach(f func(q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse) http.Handler {
	return calloutserver.Handler(func(s calloutserver.Stream) error {
		for {
			q, err := s.Recv()
			if err != nil {
				return nil
			}
			for _, r := range f(q) {
				if err := s.Send(r); err != nil {
					return err
				}
			}
		}
	})
}

// TestOrder follows a request through everything that may change it: routing extension, URL map, traffic extensions in order,
// the rule's edits, and back: traffic extensions in reverse, routing extension, the rule's edits.
func TestOrder(t *testing.T) {
	var mu sync.Mutex
	var events []string
	note := func(f string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, fmt.Sprintf(f, a...))
	}
	value := func(h *extprocv3.HttpHeaders, name string) string {
		for _, f := range h.GetHeaders().GetHeaders() {
			if f.GetKey() == name {
				return string(f.GetRawValue())
			}
		}
		return "-"
	}
	x := newSite(t, setup{
		callout: answeringEach(func(q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
			var who string
			for name := range q.GetMetadataContext().GetFilterMetadata() {
				who = name[strings.LastIndexByte(name, '.')+1:]
			}
			if h := q.GetRequestHeaders(); h != nil {
				note("%s in %s%s rule %s", who, value(h, ":authority"), value(h, ":path"), value(h, "x-rule"))
				m := calloutserver.Set("x-"+who, "yes")
				if who == "router" {
					m = calloutserver.Set(":authority", "routed.example", ":path", "/old/x")
				}
				return []*extprocv3.ProcessingResponse{{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: calloutserver.Headers(m)}}}
			}
			h := q.GetResponseHeaders()
			note("%s out %s rule %s by %s", who, value(h, ":status"), value(h, "x-rule"), value(h, "x-by"))
			return []*extprocv3.ProcessingResponse{{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: calloutserver.Headers(calloutserver.Set("x-by", who))}}}
		}),
		backend: func(_ http.ResponseWriter, r *http.Request) {
			note("backend %s%s rule %s %s %s", r.Host, r.URL.Path, r.Header.Get("X-Rule"), r.Header.Get("X-First"), r.Header.Get("X-Second"))
		},
		edit: func(m *resources) {
			named := func(name string) *lbv1.Extension {
				e := ext(requestHeaders, responseHeaders)
				e.Name, e.Metadata = name, map[string]string{"k": "v"}
				return e
			}
			m.route, m.traffic = chainOf([]*lbv1.Extension{named("router")}), chainOf([]*lbv1.Extension{named("first"), named("second")})
			m.urlMap.ListenerHosts, m.rule.ListenerHost, m.rule.Host = []string{"routed.example"}, "routed.example", "routed.example"
			m.rule.Match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/old"}
			m.rule.RequestHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "x-rule", Value: "set"}}}
			m.rule.ResponseHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "x-rule", Value: "set"}}}
			m.rule.UrlRewrite = &lbv1.UrlRewrite{Path: &lbv1.UrlRewrite_ReplacePrefix{ReplacePrefix: "/new"}}
		},
	})
	g := x.ask(1, "GET", "/start", "")
	if g.status != 200 || g.header.Get("X-Rule") != "set" || g.header.Get("X-By") != "router" {
		t.Errorf("%+v", g)
	}
	want := []string{
		"router in " + x.addr + "/start rule -", "first in routed.example/old/x rule -", "second in routed.example/old/x rule -",
		"backend routed.example/new/x rule set yes yes", "second out 200 rule - by -", "first out 200 rule - by second", "router out 200 rule - by first",
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(events, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(events, "\n"), strings.Join(want, "\n"))
	}
}

// TestFirstChainThatMatches runs, and no other.
func TestFirstChainThatMatches(t *testing.T) {
	x := newSite(t, setup{callout: handler(calloutserver.Events{}), edit: func(m *resources) {
		chain := func(name, cel string, services ...string) *lbv1.ExtensionChain {
			c := &lbv1.ExtensionChain{Name: name, Match: []*lbv1.MatchExpression{{Cel: cel}}, Extensions: []*lbv1.Extension{ext(requestHeaders)}}
			for _, s := range services {
				c.Match = []*lbv1.MatchExpression{{Cel: cel, BackendService: s}}
			}
			return c
		}
		m.traffic = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{
			chain("header", `request.headers["x-a"] == "1"`), chain("elsewhere", "", "default"), chain("service", `request.path == "/s"`, "service"),
			chain("query", `request.query.contains("a=b") && request.method == "GET"`),
		}}
	}})
	for path, want := range map[string]string{"/s": "service", "/q?a=b": "query", "/none": ""} {
		before := map[string]uint64{}
		names := []string{"header", "elsewhere", "service", "query"}
		for _, n := range names {
			before[n] = x.Metrics().Extensions.Count(n+"/ext", "passed")
		}
		if g := x.ask(1, "GET", path, ""); g.status != 200 {
			t.Errorf("%s: %+v", path, g)
		}
		if want != "" {
			eventually(t, want+" ran", func() bool { return x.Metrics().Extensions.Count(want+"/ext", "passed") == before[want]+1 })
		}
		for _, n := range names {
			if n != want && x.Metrics().Extensions.Count(n+"/ext", "passed") != before[n] {
				t.Errorf("%s: chain %s ran", path, n)
			}
		}
	}
}

// TestReplies has immediate responses in every phase, with fields that are the codec's and bodies where none may be.
func TestReplies(t *testing.T) {
	for _, p := range phases {
		for _, status := range []int{200, 204, 304, 403} {
			x := newSite(t, setup{traffic: []*lbv1.Extension{p.extension()}, callout: answeringEach(func(*extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
				r := calloutserver.Immediate(status, "no entry")
				r.GetImmediateResponse().Headers = calloutserver.Set("x-why", "because", "content-length", "3", "transfer-encoding", "chunked", "connection", "close", "bad name", "x")
				return []*extprocv3.ProcessingResponse{r}
			})})
			for _, version := range []int{1, 2} {
				c := client(t, version)
				g := do(c, "http://"+x.addr+"/", "POST", "body")
				late := p.event == responseBody
				want := "no entry"
				if status == 204 || status == 304 {
					want = ""
				}
				switch {
				case late && g.err == nil:
					t.Errorf("%s %d HTTP/%d: an answer that had begun came whole: %+v", p.name, status, version, g)
				case !late && (g.err != nil || g.status != status || g.body != want || g.header.Get("X-Why") != "because" || g.header.Get("Bad Name") != ""):
					t.Errorf("%s %d HTTP/%d: %+v", p.name, status, version, g)
				}
			}
		}
	}
}

// TestRepliesToGRPC: a callout's gRPC status reaches a client that speaks gRPC, as trailers alone, whatever HTTP status goes with
// it: servers mostly leave that out.
func TestRepliesToGRPC(t *testing.T) {
	for _, status := range []int{0, 200, 403} {
		x := newSite(t, setup{traffic: []*lbv1.Extension{ext(requestHeaders)}, callout: answeringEach(func(*extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
			r := calloutserver.Immediate(status, "no entry")
			r.GetImmediateResponse().GrpcStatus = &extprocv3.GrpcStatus{Status: uint32(codes.Aborted)}
			return []*extprocv3.ProcessingResponse{r}
		})})
		for _, version := range []int{1, 2} {
			q, err := http.NewRequest("POST", "http://"+x.addr+"/pkg.S/M", strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/grpc")
			res, err := client(t, version).Do(q)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode != 200 || res.Header.Get("Grpc-Status") != "10" || res.Header.Get("Grpc-Message") != "no entry" || len(body) > 0 {
				t.Errorf("%d HTTP/%d: %d %v %q %v", status, version, res.StatusCode, res.Header, body, err)
			}
		}
	}
}

func (p phase) extension() *lbv1.Extension {
	e := ext(p.event)
	if p.duplex {
		e.RequestBodySendMode, e.ResponseBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED, lbv1.Extension_FULL_DUPLEX_STREAMED
	}
	return e
}

// TestReplacedBodies: a body that comes with the headers' answer takes the place of the message's, with its own length, and never
// where there is none.
func TestReplacedBodies(t *testing.T) {
	replacing := func(s *extprocv3.CommonResponse) *extprocv3.CommonResponse {
		s.Status = extprocv3.CommonResponse_CONTINUE_AND_REPLACE
		s.HeaderMutation = calloutserver.Set("content-length", "3", "x-replaced", "yes")
		s.BodyMutation = calloutserver.Replace([]byte("replacement")).GetResponse().GetBodyMutation()
		return s
	}
	x := newSite(t, setup{
		traffic: []*lbv1.Extension{ext(requestHeaders, requestBody, responseHeaders, responseBody)},
		callout: handler(calloutserver.Events{
			RequestHeaders: func(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse {
				return &extprocv3.HeadersResponse{Response: replacing(&extprocv3.CommonResponse{})}
			},
			ResponseHeaders: func(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse {
				return &extprocv3.HeadersResponse{Response: replacing(&extprocv3.CommonResponse{})}
			},
		}),
		backend: func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Got", string(b)+" "+r.Header.Get("Content-Length"))
			switch r.URL.Path {
			case "/204":
				w.WriteHeader(204)
			case "/304":
				w.WriteHeader(304)
			default:
				_, _ = w.Write([]byte("of the backend"))
			}
		},
	})
	for _, version := range []int{1, 2} {
		for path, want := range map[string]string{"/": "replacement", "/204": "", "/304": ""} {
			for _, method := range []string{"POST", "GET", "HEAD"} {
				g := x.ask(version, method, path, map[string]string{"POST": "body"}[method])
				body := want
				if method == "HEAD" {
					body = ""
				}
				if g.err != nil || g.body != body || g.header.Get("X-Got") != "replacement 11" || g.header.Get("X-Replaced") != "yes" {
					t.Errorf("HTTP/%d %s %s: %+v", version, method, path, g)
				}
			}
		}
	}
}

// TestUpgrade: a tunnel has no bodies: modes for them do not hold it up.
func TestUpgrade(t *testing.T) {
	for _, duplex := range []bool{false, true} {
		e := ext(requestHeaders, requestBody, requestTrailers, responseHeaders, responseBody, responseTrailers)
		if duplex {
			e.RequestBodySendMode, e.ResponseBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED, lbv1.Extension_FULL_DUPLEX_STREAMED
		}
		x := newSite(t, setup{traffic: []*lbv1.Extension{e}, callout: handler(upperEvents(duplex)), backend: func(w http.ResponseWriter, _ *http.Request) {
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_ = rw.Flush()
			_, _ = io.Copy(c, rw)
		}})
		c, err := net.Dial("tcp", x.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
		r := bufio.NewReader(c)
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != 101 || res.Header.Get("X-Ext") != "seen" {
			t.Fatalf("duplex %v: %v %v", duplex, res, err)
		}
		_, _ = io.WriteString(c, "through the tunnel")
		got := make([]byte, len("through the tunnel"))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "through the tunnel" {
			t.Errorf("duplex %v: %q %v", duplex, got, err)
		}
		_ = c.Close()
	}
}

// TestFlood: a callout that says more than it is asked fails its exchange, and costs no more than that.
func TestFlood(t *testing.T) {
	for _, p := range phases {
		e := p.extension()
		e.Timeout = durationpb.New(200 * time.Millisecond) // in full duplex the end never comes
		x := newSite(t, setup{traffic: []*lbv1.Extension{e}, plain: true, callout: answeringEach(func(*extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
			list := make([]*extprocv3.ProcessingResponse, 2000)
			for i := range list {
				list[i] = answerOf(p, &extprocv3.CommonResponse{})
			}
			return list
		})})
		for _, version := range []int{1, 2} {
			g := x.ask(version, "POST", "/", strings.Repeat("body", 10_000))
			// Of headers and chunks the first answer is a good one, and what follows is never asked for.
			if g.err == nil && g.status != 200 && g.status != 500 {
				t.Errorf("%s HTTP/%d: %+v", p.name, version, g)
			}
		}
	}
}

// TestSelectedEndpoint: a callout chooses the endpoint among those of the backend service.
func TestSelectedEndpoint(t *testing.T) {
	var want atomic.Value
	name := func(n string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, n) }
	}
	addresses := map[string]string{}
	for _, n := range []string{"a", "b", "c"} {
		addresses[n] = serve(t, name(n))
	}
	x := newSite(t, setup{
		traffic: []*lbv1.Extension{ext(requestHeaders)},
		callout: answeringEach(func(*extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
			m, _ := structpb.NewStruct(map[string]any{
				"com.google.envoy.dynamic_forwarding.selected_endpoints": map[string]any{"primary": want.Load().(string)},
			})
			return []*extprocv3.ProcessingResponse{{DynamicMetadata: m, Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{}}}}
		}),
		edit: func(m *resources) {
			m.service.Backends = nil
			for n, at := range addresses {
				m.more = append(m.more, serviceOf("group-"+n, &lbv1.BackendService{Backends: []*lbv1.Backend{{Group: "group-" + n}}}, at)...)
				m.service.Backends = append(m.service.Backends, &lbv1.Backend{Group: "group-" + n})
			}
		},
	})
	for range 3 {
		for n, at := range addresses {
			want.Store(at)
			if g := x.ask(1, "GET", "/", ""); g.body != n {
				t.Errorf("%+v, want %s", g, n)
			}
		}
	}
	for _, at := range []string{"192.0.2.1:80", "nowhere"} {
		want.Store(at)
		if g := x.ask(1, "GET", "/", ""); g.status != 200 {
			t.Errorf("%s: %+v", at, g)
		}
	}
}

// TestObservability: a callout that observes sees everything; nothing waits for it, and what it says counts for nothing.
func TestObservability(t *testing.T) {
	var seen told
	observing := func() *lbv1.Extension {
		e := ext(requestHeaders, requestBody, requestTrailers, responseHeaders, responseBody, responseTrailers)
		e.ObservabilityMode = true
		return e
	}
	x := newSite(t, setup{traffic: []*lbv1.Extension{observing()}, callout: answeringEach(func(q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
		seen.add(q)
		return []*extprocv3.ProcessingResponse{calloutserver.Immediate(403, "")}
	})})
	if g := x.ask(1, "POST", "/", "hello"); g.status != 200 || g.body != "hello" || g.tail != "sent" {
		t.Errorf("%+v", g)
	}
	eventually(t, "the callout has seen all", func() bool {
		return seen.String() == "RequestHeaders RequestBody RequestTrailers ResponseHeaders ResponseBody ResponseTrailers"
	})
	for name, h := range map[string]http.Handler{"nobody": nil, "silent": calloutserver.Handler(func(s calloutserver.Stream) error {
		<-s.Context().Done()
		return nil
	})} {
		x := newSite(t, setup{traffic: []*lbv1.Extension{observing()}, callout: h})
		for _, version := range []int{1, 2} {
			if g := x.ask(version, "POST", "/", strings.Repeat("hello", 200_000)); g.status != 200 || len(g.body) != 1_000_000 {
				t.Errorf("%s: status %d, %d bytes, %v", name, g.status, len(g.body), g.err)
			}
		}
	}
}

// TestEmptyAnswers are no change, and no failure.
func TestEmptyAnswers(t *testing.T) {
	x := newSite(t, setup{
		traffic: []*lbv1.Extension{ext(requestHeaders, requestBody, requestTrailers, responseHeaders, responseBody, responseTrailers)},
		callout: handler(calloutserver.Events{}),
	})
	for _, version := range []int{1, 2} {
		if g := x.ask(version, "POST", "/", "hello"); g.status != 200 || g.body != "hello" || g.tail != "sent" {
			t.Errorf("HTTP/%d: %+v", version, g)
		}
	}
	eventually(t, "the bytes of both are counted", func() bool {
		sent, received := x.Metrics().Extensions.Bytes("chain/ext")
		return sent > 0 && received > 0 && sent > received
	})
}

// TestCalloutGoes while it serves: what needs it fails as it says from then on, and it is used again when it is back.
func TestCalloutGoes(t *testing.T) {
	x := newSite(t, setup{traffic: []*lbv1.Extension{ext(requestHeaders)}, callout: handler(calloutserver.Events{})})
	if g := x.ask(1, "GET", "/", ""); g.status != 200 {
		t.Fatalf("%+v", g)
	}
	with := func(address string) *lbv1.Model {
		m := &lbv1.Model{Seq: x.model.Seq + 1}
		for _, r := range x.model.GetResources() {
			if r.GetName() == "callout/0" {
				r = serviceOf("callout", nil, address)[2]
			}
			m.Resources = append(m.Resources, r)
		}
		x.model = m
		return m
	}
	if err := x.Replace(with("")); err != nil {
		t.Fatal(err)
	}
	if g := x.ask(1, "GET", "/", ""); g.status != 500 {
		t.Errorf("without an endpoint: %+v", g)
	}
	if err := x.Replace(with(serveCallout(t, handler(calloutserver.Events{}), false))); err != nil {
		t.Fatal(err)
	}
	if g := x.ask(1, "GET", "/", ""); g.status != 200 {
		t.Errorf("with one again: %+v", g)
	}
}
