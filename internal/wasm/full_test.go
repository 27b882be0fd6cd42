package wasm

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// services answers HTTP calls with what they asked, and plays a gRPC stream.
type services struct {
	mu   sync.Mutex
	sent []string
	gate chan struct{} // answers wait for it, if it is there
	fail bool
}

func (s *services) Knows(upstream string) bool { return upstream == "cluster" }

func (s *services) KnowsTarget(target string) bool { return s.Knows(target) }

func (s *services) HTTP(ctx context.Context, c *HTTPCall) (*HTTPAnswer, error) {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.fail {
		return nil, errors.New("refused")
	}
	path, _ := c.Headers.get(":path")
	return &HTTPAnswer{Headers: Pairs{{":status", "200"}, {"x-path", path}}, Body: append([]byte("echo "), c.Body...)}, nil
}

type grpcPlay struct {
	s      *services
	events chan GRPCEvent
	call   *GRPCCall
}

func (s *services) GRPC(_ context.Context, c *GRPCCall) (GRPCStream, error) {
	return &grpcPlay{s, make(chan GRPCEvent, 10), c}, nil
}

func (g *grpcPlay) Send(p []byte, end bool) error {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.s.sent = append(g.s.sent, string(p))
	if g.call.Method != "nothing" {
		g.events <- GRPCEvent{Message: append([]byte("re: "), p...)}
	}
	switch {
	case end && g.call.Single && g.call.Method != "fails":
		g.events <- GRPCEvent{Closed: true}
	case end:
		g.events <- GRPCEvent{Closed: true, Status: 5, StatusText: "no such thing", Trailing: Pairs{{"a", "b"}}}
	}
	return nil
}

func (g *grpcPlay) Close() {}

func (g *grpcPlay) Recv() (GRPCEvent, error) {
	e, open := <-g.events
	if !open {
		return GRPCEvent{}, io.EOF
	}
	return e, nil
}

// outID is where calls write their id.
const outID = 96

// callHeaders are those that a call must have.
var callHeaders = string(Map(Pairs{{":method", "GET"}, {":path", "/p"}, {":authority", "a"}}))

// asking pauses a request until a call has been answered, and adds to the request what came.
func asking(then func(b *wat.Builder, f map[string]int) wat.Code) []byte {
	b := wat.New()
	f := map[string]int{}
	for _, name := range []string{
		"proxy_log", "proxy_http_call", "proxy_get_buffer_bytes", "proxy_get_header_map_value", "proxy_add_header_map_value",
		"proxy_set_effective_context", "proxy_continue_stream", "proxy_send_local_response", "proxy_get_status", "proxy_close_stream",
	} {
		f[name] = host(b, name)
	}
	b.Plugin()
	b.Function("proxy_on_request_headers", "iii>i", 0,
		checked(f["proxy_http_call"], int32(badArgument), b.Text("nobody"), b.Text(callHeaders), b.Text("x"), b.Text(""), wat.I32(0), wat.I32(outID)),
		checked(f["proxy_http_call"], int32(badArgument), b.Text("cluster"), b.Text(""), b.Text("x"), b.Text(""), wat.I32(0), wat.I32(outID)),
		checked(f["proxy_http_call"], int32(invalidMemoryAccess), b.Text("cluster"), b.Text(callHeaders), b.Text("x"), b.Text(""), wat.I32(0), wat.I32(-1)),
		checked(f["proxy_http_call"], 0, b.Text("cluster"), b.Text(callHeaders), b.Text("body"), b.Text(""), wat.I32(60000), wat.I32(outID)),
		wat.I32(1))
	b.Function("proxy_on_http_call_response", "iiiii>", 0, then(b, f))
	return b.Module()
}

func toStream(f map[string]int) wat.Code {
	return checked(f["proxy_set_effective_context"], 0, wat.I32(2))
}

func TestPausedRequestsGoOn(t *testing.T) {
	code := asking(func(b *wat.Builder, f map[string]int) wat.Code {
		return wat.Cat(
			checked(f["proxy_get_header_map_value"], 0, wat.I32(6), b.Text("x-path"), outs()), say(f["proxy_log"]),
			checked(f["proxy_get_buffer_bytes"], 0, wat.I32(4), wat.I32(0), wat.I32(100), outs()), say(f["proxy_log"]),
			toStream(f),
			checked(f["proxy_add_header_map_value"], 0, wat.I32(0), b.Text("x-added"), wat.LoadFrom(outA), wat.LoadFrom(outB)),
			checked(f["proxy_continue_stream"], 0, wat.I32(0)))
	})
	p, logged := start(t, code, Options{Profile: Full}, PluginConfig{Services: &services{}})
	s := stream(t, p, properties{})
	h := headersOf("a: b")
	action, err := s.RequestHeaders(h, true)
	if err != nil || action != Pause {
		t.Fatalf("%v, %v", action, err)
	}
	if err := s.Await(t.Context(), Request); err != nil {
		t.Fatal(err)
	}
	if h.String() != "a: b | x-added: echo body" || !slices.Equal(logged.all(), []string{"info /p", "info echo body"}) {
		t.Errorf("%s, %q", h, logged.all())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestPausedRequestsAreAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		code func(b *wat.Builder, f map[string]int) wat.Code
		fail bool
		want func(err error) bool
	}{
		"by a reply": {func(b *wat.Builder, f map[string]int) wat.Code {
			return wat.Cat(toStream(f), checked(f["proxy_send_local_response"], 0, wat.I32(401), b.Text(""), b.Text(""), b.Text(""), wat.I32(-1)))
		}, false, func(err error) bool { var r *LocalReply; return errors.As(err, &r) && r.Status == 401 }},
		"by an end": {func(_ *wat.Builder, f map[string]int) wat.Code {
			return wat.Cat(toStream(f), checked(f["proxy_close_stream"], 0, wat.I32(0)))
		}, false, func(err error) bool { return errors.Is(err, ErrClosedStream) }},
		"by a crash": {func(*wat.Builder, map[string]int) wat.Code { return wat.Unreachable }, false, IsCrash},
		"after a call that failed": {func(b *wat.Builder, f map[string]int) wat.Code {
			return wat.Cat(wat.Local(2), wat.If(wat.Unreachable), // no headers
				checked(f["proxy_get_status"], 0, wat.I32(outC), outs()), wat.LoadFrom(outC), wat.I32(brokenConnection), wat.Ne, wat.If(wat.Unreachable),
				toStream(f), checked(f["proxy_send_local_response"], 0, wat.I32(502), b.Text(""), b.Text(""), b.Text(""), wat.I32(-1)))
		}, true, func(err error) bool { var r *LocalReply; return errors.As(err, &r) && r.Status == 502 }},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := start(t, asking(c.code), Options{Profile: Full}, PluginConfig{Services: &services{fail: c.fail}})
			s := stream(t, p, properties{})
			defer func() { _ = s.Close() }()
			if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
				t.Fatal(err)
			}
			if err := s.Await(t.Context(), Request); !c.want(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Who leaves does not wait for the guest, and what comes later finds nobody.
func TestPausedRequestsMayBeLeft(t *testing.T) {
	s := &services{gate: make(chan struct{})}
	p, _ := start(t, asking(func(*wat.Builder, map[string]int) wat.Code { return wat.Unreachable }), Options{Profile: Full}, PluginConfig{Services: s})
	st := stream(t, p, properties{})
	if _, err := st.RequestHeaders(headersOf(""), true); err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancelCause(t.Context())
	why := errors.New("left")
	leave(why)
	if err := st.Await(gone, Request); !errors.Is(err, why) {
		t.Error(err)
	}
	_ = st.Close()
	p.Close()
	close(s.gate)
}

func TestMetrics(t *testing.T) {
	b := wat.New()
	define, increment, record, get := host(b, "proxy_define_metric"), host(b, "proxy_increment_metric"), host(b, "proxy_record_metric"), host(b, "proxy_get_metric")
	b.Plugin()
	id := wat.LoadFrom(outA)
	defined := func(kind int32, name string) wat.Code {
		return checked(define, 0, wat.I32(kind), b.Text(name), wat.I32(outA))
	}
	b.Function("proxy_on_configure", "ii>i", 0,
		checked(define, int32(badArgument), wat.I32(3), b.Text("x"), wat.I32(outA)),
		defined(0, "counter"), checked(increment, 0, id, wat.I64(2)), checked(increment, int32(badArgument), id, wat.I64(-1)), checked(record, 0, id, wat.I64(3)),
		checked(get, 0, id, wat.I32(outC)), wat.LoadFrom(outC), wat.I32(5), wat.Ne, wat.If(wat.Unreachable),
		defined(1, "gauge"), checked(increment, 0, id, wat.I64(-4)), checked(record, 0, id, wat.I64(9)), checked(increment, 0, id, wat.I64(-1)),
		defined(2, "histogram"), checked(increment, int32(badArgument), id, wat.I64(1)), checked(record, 0, id, wat.I64(100)), checked(get, int32(badArgument), id, wat.I32(outC)),
		checked(record, int32(notFound), wat.I32(400), wat.I64(1)), checked(get, int32(notFound), wat.I32(0), wat.I32(outC)),
		wat.I32(1))
	p, _ := start(t, b.Module(), Options{Profile: Full}, PluginConfig{})
	var got []string
	for _, m := range p.Metrics.All() {
		got = append(got, m.Name+" "+string(rune('0'+m.Value)))
	}
	if !slices.Equal(got, []string{"counter 5", "gauge 8", "histogram 1"}) {
		t.Errorf("%q", got)
	}
}

func TestSharedData(t *testing.T) {
	b := wat.New()
	set, get, log := host(b, "proxy_set_shared_data"), host(b, "proxy_get_shared_data"), host(b, "proxy_log")
	b.Plugin()
	write := func(want status, value string, cas wat.Code) wat.Code {
		return checked(set, int32(want), b.Text("key"), b.Text(value), cas)
	}
	read := wat.Cat(checked(get, 0, b.Text("key"), outs(), wat.I32(outC)), say(log))
	b.Function("proxy_on_request_headers", "iii>i", 0,
		checked(get, int32(notFound), b.Text("none"), outs(), wat.I32(outC)),
		write(ok, "one", wat.I32(77)), read, write(ok, "two", wat.LoadFrom(outC)), write(casMismatch, "three", wat.LoadFrom(outC)), read,
		write(ok, "four", wat.I32(0)), read, wat.I32(0))
	shared := NewShared()
	p, logged := start(t, b.Module(), Options{Profile: Full}, PluginConfig{Shared: shared, VMID: "vm"})
	s := stream(t, p, properties{})
	if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if got := logged.all(); !slices.Equal(got, []string{"info one", "info two", "info four"}) {
		t.Errorf("%q", got)
	}
	if v, found := shared.get(sharedKey{"vm", "key"}); !found || string(v.value) != "four" {
		t.Errorf("%q", v.value)
	}
}

func TestQueuesAndTicks(t *testing.T) {
	b := wat.New()
	log, tick := host(b, "proxy_log"), host(b, "proxy_set_tick_period_milliseconds")
	register, resolve := host(b, "proxy_register_shared_queue"), host(b, "proxy_resolve_shared_queue")
	put, take := host(b, "proxy_enqueue_shared_queue"), host(b, "proxy_dequeue_shared_queue")
	b.Plugin()
	b.Function("proxy_on_vm_start", "ii>i", 0,
		checked(register, 0, b.Text("queue"), wat.I32(outID)), checked(take, int32(empty), wat.LoadFrom(outID), outs()),
		checked(put, int32(notFound), wat.I32(99), b.Text("x")), checked(resolve, int32(notFound), b.Text(""), b.Text("other"), wat.I32(outC)),
		checked(tick, 0, wat.I32(1)), wat.I32(1))
	b.Function("proxy_on_tick", "i>", 0,
		checked(tick, 0, wat.I32(0)), checked(resolve, 0, b.Text(""), b.Text("queue"), wat.I32(outC)), checked(put, 0, wat.LoadFrom(outC), b.Text("message")))
	b.Function("proxy_on_queue_ready", "ii>", 0, checked(take, 0, wat.Local(1), outs()), say(log))
	_, logged := start(t, b.Module(), Options{Profile: Full}, PluginConfig{})
	until(t, "the message has come", func() bool { return logged.has("info message") })
}

func TestGRPC(t *testing.T) {
	b := wat.New()
	log, open, send, one := host(b, "proxy_log"), host(b, "proxy_grpc_stream"), host(b, "proxy_grpc_send"), host(b, "proxy_grpc_call")
	get, cancel := host(b, "proxy_get_buffer_bytes"), host(b, "proxy_grpc_cancel")
	b.Plugin()
	target := func(name string) wat.Code {
		return wat.Cat(b.Text(name), b.Text("service"), b.Text("method"), b.Text(""))
	}
	b.Function("proxy_on_configure", "ii>i", 0,
		checked(one, int32(parseFailure), target("nobody"), b.Text("x"), wat.I32(0), wat.I32(outID)),
		checked(one, 0, target("cluster"), b.Text("call"), wat.I32(0), wat.I32(outID)), wat.LoadFrom(outID), wat.I32(1), wat.Ne, wat.If(wat.Unreachable),
		checked(send, int32(badArgument), wat.LoadFrom(outID), b.Text("x"), wat.I32(0)), checked(cancel, int32(notFound), wat.I32(8)),
		checked(open, 0, target("cluster"), wat.I32(outID)), wat.LoadFrom(outID), wat.I32(2), wat.Ne, wat.If(wat.Unreachable),
		checked(send, 0, wat.LoadFrom(outID), b.Text("first"), wat.I32(0)), checked(send, 0, wat.LoadFrom(outID), b.Text("last"), wat.I32(1)),
		wat.I32(1))
	b.Function("proxy_on_grpc_receive", "iii>", 0, checked(get, 0, wat.I32(5), wat.I32(0), wat.Local(2), outs()), say(log))
	b.Function("proxy_on_grpc_close", "iii>", 0, wat.Local(1), wat.I32(2), wat.Ne, wat.If(wat.Unreachable), wat.Local(2), wat.I32(5), wat.Ne, wat.If(wat.Unreachable), wat.I32(2), b.Text("closed"), wat.Call(log), wat.Drop)
	_, logged := start(t, b.Module(), Options{Profile: Full}, PluginConfig{Services: &services{}})
	until(t, "all has come", func() bool { return logged.has("info closed") && logged.has("info re: call") })
	if all := strings.Join(logged.all(), " "); !strings.Contains(all, "re: first") || !strings.Contains(all, "re: last") {
		t.Error(all)
	}
}

// A single call has one outcome: its answer, if the call ended well, or the status. An answer before a bad end is none.
func TestASingleCallHasOneOutcome(t *testing.T) {
	for method, want := range map[string][]string{
		"works":   {"info received", "info re: x"},
		"fails":   {"info closed", "info no such thing"},
		"nothing": {"info closed", "info the call ended without an answer"},
	} {
		t.Run(method, func(t *testing.T) {
			b := wat.New()
			log, one, get, status := host(b, "proxy_log"), host(b, "proxy_grpc_call"), host(b, "proxy_get_buffer_bytes"), host(b, "proxy_get_status")
			b.Plugin()
			b.Function("proxy_on_configure", "ii>i", 0,
				checked(one, 0, b.Text("cluster"), b.Text("service"), b.Text(method), b.Text(""), b.Text("x"), wat.I32(0), wat.I32(outID)), wat.I32(1))
			b.Function("proxy_on_grpc_receive", "iii>", 0,
				wat.I32(2), b.Text("received"), wat.Call(log), wat.Drop,
				checked(get, 0, wat.I32(5), wat.I32(0), wat.Local(2), outs()), say(log))
			b.Function("proxy_on_grpc_close", "iii>", 0,
				checked(status, 0, wat.I32(outC), outs()), wat.LoadFrom(outC), wat.Local(2), wat.Ne, wat.If(wat.Unreachable),
				wat.I32(2), b.Text("closed"), wat.Call(log), wat.Drop, say(log))
			p, logged := start(t, b.Module(), Options{Profile: Full}, PluginConfig{Services: &services{}})
			until(t, "it has an outcome", func() bool { return len(logged.all()) >= 2 })
			until(t, "nothing is under way", func() bool { return underWay(p) == 0 })
			if got := logged.all(); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// underWay counts the calls of a plugin's idle instances.
func underWay(p *Plugin) (n int) {
	p.mu.Lock()
	idle := slices.Clone(p.idle)
	p.mu.Unlock()
	for _, in := range idle {
		in.mu.Lock()
		n += in.callsUnderWay()
		in.mu.Unlock()
	}
	return n
}

// In the GCP profile all of that links and answers Unimplemented.
func TestTheProfileHasNoMore(t *testing.T) {
	for name, f := range envFunctions {
		b := wat.New()
		i := host(b, name)
		if i != 0 || !slices.Contains(fullFunctions, name) {
			continue
		}
		b.Plugin()
		var args wat.Code
		for _, letter := range strings.TrimSuffix(f.signature, ">i") {
			if letter == 'l' {
				args = append(args, wat.I64(0)...)
			} else {
				args = append(args, wat.I32(0)...)
			}
		}
		b.Function("proxy_on_configure", "ii>i", 0, checked(i, int32(unimplemented), args), wat.I32(1))
		start(t, b.Module(), Options{}, PluginConfig{})
	}
}

var fullFunctions = []string{
	"proxy_set_tick_period_milliseconds", "proxy_get_status", "proxy_set_property", "proxy_continue_stream", "proxy_close_stream",
	"proxy_http_call", "proxy_grpc_call", "proxy_grpc_stream", "proxy_grpc_send", "proxy_grpc_cancel", "proxy_grpc_close",
	"proxy_set_shared_data", "proxy_get_shared_data", "proxy_register_shared_queue", "proxy_resolve_shared_queue",
	"proxy_enqueue_shared_queue", "proxy_dequeue_shared_queue", "proxy_define_metric", "proxy_increment_metric",
	"proxy_record_metric", "proxy_get_metric",
}
