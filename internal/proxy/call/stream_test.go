package call

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
)

func h2cService() *lbv1.BackendService {
	return &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C}
}

// echo sends back each piece as it comes, in upper case, and a trailer at the end.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-End")
	p := make([]byte, 64<<10)
	for {
		n, err := r.Body.Read(p)
		if n > 0 {
			_, _ = w.Write(bytes.ToUpper(p[:n]))
			_ = http.NewResponseController(w).Flush()
		}
		if err != nil {
			w.Header().Set("X-End", fmt.Sprint(err == io.EOF))
			return
		}
	}
}

// silent takes everything and says nothing, until the stream ends.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func open(t *testing.T, ctx context.Context, c *Caller, v *balance.Service) *Stream {
	t.Helper()
	s, err := c.OpenStream(ctx, opening2(c, v, material{}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// receive reads n bytes.
func receive(t *testing.T, s *Stream, n int) string {
	t.Helper()
	var got []byte
	for len(got) < n {
		p, err := s.Receive()
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(got), err)
		}
		got = append(got, p...)
	}
	return string(got)
}

// failureOf wants a Failure.
func failureOf(t *testing.T, err error) *Failure {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no failure", err)
	}
	return f
}

// TestStreamBothWays: messages pass in turns for as long as the stream lives, and the trailers are there at the end. What a
// stream holds of its backend service is given back.
func TestStreamBothWays(t *testing.T) {
	c := newCaller(t)
	v := newVersion(t, h2cService(), h2c(t, echo))
	s := open(t, context.Background(), c, v)
	for i := range 50 {
		message := strings.Repeat(string(rune('a'+i%26)), 1+i*500)
		due := s.Await(patience)
		if err := s.Send([]byte(message)); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, s, len(message)); got != strings.ToUpper(message) {
			t.Fatalf("message %d: %d bytes came back wrong", i, len(got))
		}
		s.Answered(due)
	}
	if head, err := s.Head(); err != nil || head.Status != 200 {
		t.Errorf("head %v, %v", head, err)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if tr := s.Trailers(); tr == nil || tr.Len() != 1 || string(tr.At(0).Value) != "true" {
		t.Errorf("trailers %v", tr)
	}
	if v.InUse(balance.Requests) != 1 {
		t.Errorf("%d requests are counted while the stream lives", v.InUse(balance.Requests))
	}
	s.Close()
	if v.InUse(balance.Requests) != 0 {
		t.Errorf("%d requests are counted after it", v.InUse(balance.Requests))
	}
}

// TestStreamFullDuplex sends much more than the windows hold while it receives.
func TestStreamFullDuplex(t *testing.T) {
	c := newCaller(t)
	s := open(t, context.Background(), c, newVersion(t, h2cService(), h2c(t, echo)))
	defer s.Close()
	const size = 8 << 20
	sent := make(chan error, 1)
	go func() {
		piece := bytes.Repeat([]byte("x"), 128<<10)
		for range size / len(piece) {
			if err := s.Send(piece); err != nil {
				sent <- err
				return
			}
		}
		sent <- s.CloseSend()
	}()
	got := 0
	for {
		p, err := s.Receive()
		got += len(p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := <-sent; err != nil || got != size {
		t.Errorf("%d of %d bytes, %v", got, size, err)
	}
}

// TestAwait: an answer that is overdue ends the stream; the stream as such may last as long as it likes.
func TestAwait(t *testing.T) {
	c := newCaller(t)
	s := open(t, context.Background(), c, newVersion(t, h2cService(), h2c(t, silent)))
	defer s.Close()
	if err := s.Send([]byte("one")); err != nil {
		t.Fatal(err)
	}
	s.Await(time.Hour)
	s.Await(30 * time.Millisecond) // is due first
	_, err := s.Receive()
	if f := failureOf(t, err); f.Cause != Timeout {
		t.Errorf("%v", f)
	}
	if err := s.Send([]byte("two")); failureOf(t, err).Cause != Timeout {
		t.Errorf("a further message: %v", err)
	}
}

// TestAnsweredInTime: deadlines of messages that were answered end nothing.
func TestAnsweredInTime(t *testing.T) {
	c := newCaller(t)
	s := open(t, context.Background(), c, newVersion(t, h2cService(), h2c(t, echo)))
	defer s.Close()
	late, early := s.Await(time.Hour), s.Await(time.Minute)
	s.Answered(late) // which leaves what is due earlier
	if len(s.owed) != 1 || s.owed[0] != early {
		t.Errorf("left: %v", s.owed)
	}
	s.Answered(early)
	s.Answered(early) // which has come already
	if len(s.owed) != 0 {
		t.Errorf("left: %v", s.owed)
	}
	if err := s.Send([]byte("a")); err != nil {
		t.Fatal(err)
	}
	receive(t, s, 1)
}

// TestCancel: waits end from another goroutine, by Cancel and by the context, in either direction.
func TestCancel(t *testing.T) {
	c := newCaller(t)
	v := newVersion(t, h2cService(), h2c(t, silent))
	for name, end := range map[string]func(s *Stream, cancel func()){
		"Cancel":      func(s *Stream, _ func()) { s.Cancel() },
		"the context": func(_ *Stream, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			s := open(t, ctx, c, v)
			errs := make(chan error, 2)
			go func() {
				_, err := s.Receive()
				errs <- err
			}()
			go func() {
				var err error
				for p := make([]byte, 64<<10); err == nil; {
					err = s.Send(p) // until the windows are shut, and then waits
				}
				errs <- err
			}()
			end(s, cancel)
			for range 2 {
				if f := failureOf(t, <-errs); f.Cause != Canceled {
					t.Errorf("%v", f)
				}
			}
			s.Close()
			s.Cancel() // of what has ended
			cancel()
			if _, err := s.Receive(); failureOf(t, err).Cause != Canceled {
				t.Errorf("after the end: %v", err)
			}
		})
	}
	if v.InUse(balance.Requests) != 0 {
		t.Errorf("%d requests are counted", v.InUse(balance.Requests))
	}
}

// TestCancelRacesClose ends many streams from both sides at once.
func TestCancelRacesClose(t *testing.T) {
	c := newCaller(t)
	v := newVersion(t, h2cService(), h2c(t, echo))
	for i := range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		s := open(t, ctx, c, v)
		var running sync.WaitGroup
		running.Go(func() { _ = s.Send([]byte("a")); _, _ = s.Receive() })
		running.Go(cancel)
		if i%2 == 0 {
			s.Await(time.Nanosecond)
		}
		s.Close()
		running.Wait()
	}
	eventually(t, "nothing is counted", func() bool { return v.InUse(balance.Requests) == 0 })
}

// TestClosedStreamsKeepTheirConnection: streams that end as they should do not wear their connection out, though nobody
// waits for the peer's end.
func TestClosedStreamsKeepTheirConnection(t *testing.T) {
	var mu sync.Mutex
	conns := map[string]bool{}
	c := newCaller(t)
	v := newVersion(t, h2cService(), h2c(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		conns[r.RemoteAddr] = true
		mu.Unlock()
		echo(w, r)
	}))
	for range 300 {
		s := open(t, context.Background(), c, v)
		if err := s.Send([]byte("a")); err != nil {
			t.Fatal(err)
		}
		receive(t, s, 1)
		s.Close()
	}
	eventually(t, "all have ended", func() bool { return v.InUse(balance.Requests) == 0 })
	mu.Lock()
	defer mu.Unlock()
	if len(conns) > maxConnsOfClosed {
		t.Errorf("300 streams took %d connections", len(conns))
	}
}

// maxConnsOfClosed: one, and what a slow machine needs because streams linger.
const maxConnsOfClosed = 3

// TestEndStreams: a peer that never ends holds nothing up.
func TestEndStreams(t *testing.T) {
	c := newCaller(t)
	v := newVersion(t, h2cService(), h2c(t, silent))
	s := open(t, context.Background(), c, v)
	s.Close()
	c.EndStreams()
	if n := v.InUse(balance.Requests); n != 0 {
		t.Errorf("%d requests are counted", n)
	}
}

// TestCauses tells apart why a stream fails.
func TestCauses(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	verified := func(host string) *lbv1.BackendService {
		return &lbv1.BackendService{
			Protocol: lbv1.BackendProtocol_HTTP2, Tls: &lbv1.BackendTls{Hostname: host, TrustConfigs: []string{"ca"}},
		}
	}
	secure, trust := overTLS(t, echo)
	for name, c := range map[string]struct {
		spec    *lbv1.BackendService
		addrs   []string
		cause   Cause
		status  int
		in      func(error) bool // what the error holds
		opening func(o *Opening)
	}{
		"no endpoint":      {spec: h2cService(), cause: NoEndpoint},
		"nobody listens":   {spec: h2cService(), addrs: []string{dead(t)}, cause: Connect},
		"no TLS":           {spec: &lbv1.BackendService{Protocol: lbv1.BackendProtocol_HTTP2}, addrs: []string{h2c(t, echo)}, cause: TLS},
		"not its host":     {spec: verified("other.example"), addrs: []string{secure}, cause: TLS, in: isA[x509.HostnameError]},
		"HTTP/1":           {spec: h2cService(), addrs: []string{http1Server(t)}, cause: Protocol},
		"an HTTP/1 kind":   {spec: &lbv1.BackendService{}, addrs: []string{secure}, cause: Protocol},
		"a reset":          {spec: h2cService(), addrs: []string{h2c(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}, cause: Protocol},
		"404":              {spec: h2cService(), addrs: []string{h2c(t, status(404))}, cause: Status, status: 404},
		"500":              {spec: h2cService(), addrs: []string{h2c(t, status(500))}, cause: Status, status: 500},
		"a slow handshake": {spec: verified("example.com"), addrs: []string{mute(t)}, cause: Timeout, opening: func(o *Opening) { o.Within = 30 * time.Millisecond }},
	} {
		t.Run(name, func(t *testing.T) {
			caller := newCaller(t)
			v := newVersion(t, c.spec, c.addrs...)
			o := opening2(caller, v, trust)
			if c.opening != nil {
				c.opening(o)
			}
			s, err := caller.OpenStream(context.Background(), o)
			if err == nil {
				_ = s.Send([]byte("a"))
				_, err = s.Receive()
				s.Close()
			}
			f := failureOf(t, err)
			if f.Cause != c.cause || f.Status != c.status {
				t.Errorf("%s, status %d: %v", f.Cause, f.Status, f)
			}
			if c.in != nil && !c.in(err) {
				t.Errorf("%v does not hold what it should", err)
			}
			eventually(t, "nothing is counted", func() bool { return v.InUse(balance.Requests) == 0 })
		})
	}
}

// TestRefusedStreamsAreUnseen: who kept what was sent may send it again.
func TestRefusedStreamsAreUnseen(t *testing.T) {
	c := newCaller(t)
	s := open(t, context.Background(), c, newVersion(t, h2cService(), refuser(t)))
	defer s.Close()
	_ = s.Send([]byte("a"))
	_, err := s.Receive()
	if f := failureOf(t, err); f.Cause != Protocol || !f.Unseen {
		t.Errorf("unseen: %v, %v", f.Unseen, f)
	}
}

// refuser speaks HTTP/2 and takes no stream.
func refuser(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = nc.Close() }()
		_, _ = io.ReadFull(nc, make([]byte, len(http2.ClientPreface)))
		f := http2.NewFramer(nc, nc)
		_ = f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				_ = f.WriteRSTStream(h.StreamID, http2.ErrCodeRefusedStream)
			}
		}
	}()
	return ln.Addr().String()
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// mute accepts connections and says nothing.
func mute(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().String()
}

func http1Server(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{}
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	return ln.Addr().String()
}

// TestTLSThatIsTrusted is the other side of the certificates that TestCauses refuses.
func TestTLSThatIsTrusted(t *testing.T) {
	addr, trust := overTLS(t, echo)
	c := newCaller(t)
	v := newVersion(t, &lbv1.BackendService{
		Protocol: lbv1.BackendProtocol_HTTP2, Tls: &lbv1.BackendTls{Hostname: "example.com", TrustConfigs: []string{"ca"}},
	}, addr)
	s, err := c.OpenStream(context.Background(), opening2(c, v, trust))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, s, 5); got != "HELLO" {
		t.Errorf("got %q", got)
	}
}

// TestDeadEndpointsAreSteppedOver: a stream goes to an endpoint that takes it.
func TestDeadEndpointsAreSteppedOver(t *testing.T) {
	c := newCaller(t)
	good := h2c(t, echo)
	v := newVersion(t, h2cService(), dead(t), good)
	for range 4 {
		s := open(t, context.Background(), c, v)
		if s.Endpoint() != good {
			t.Errorf("went to %s", s.Endpoint())
		}
		s.Close()
	}
}

// TestOpenHasOneDeadline: endpoints on which nothing comes share the time there is to connect; each has not its own.
func TestOpenHasOneDeadline(t *testing.T) {
	var tried atomic.Int32
	marks := make(chan struct{}, maxEndpoints)
	var addrs []string
	for range maxEndpoints {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		addrs = append(addrs, ln.Addr().String())
		go func() {
			for {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { _ = nc.Close() })
				if b := make([]byte, 1); readOne(nc, b) && b[0] == '!' {
					marks <- struct{}{}
					return
				}
				tried.Add(1)
			}
		}()
	}
	c := newCaller(t)
	v := newVersion(t, &lbv1.BackendService{Protocol: lbv1.BackendProtocol_HTTP2}, addrs...)
	o := opening2(c, v, material{})
	o.Within = 50 * time.Millisecond
	_, err := c.OpenStream(context.Background(), o)
	if f := failureOf(t, err); f.Cause != Timeout {
		t.Errorf("%v", f)
	}
	for _, a := range addrs { // what came before has been counted when this comes
		nc, err := net.Dial("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = nc.Write([]byte("!"))
		<-marks
		_ = nc.Close()
	}
	if n := tried.Load(); n > 1 {
		t.Errorf("%d endpoints were tried", n)
	}
}

func readOne(nc net.Conn, b []byte) bool {
	_, err := io.ReadFull(nc, b)
	return err == nil
}

// TestStreamsAreLimited by the requests that the backend service takes.
func TestStreamsAreLimited(t *testing.T) {
	c := newCaller(t)
	spec := h2cService()
	spec.Limits = &lbv1.CircuitLimits{MaxRequests: 1}
	v := newVersion(t, spec, h2c(t, echo))
	s := open(t, context.Background(), c, v)
	defer s.Close()
	if _, err := c.OpenStream(context.Background(), opening2(c, v, material{})); failureOf(t, err).Cause != Overflow {
		t.Errorf("a second stream: %v", err)
	}
}

// TestOpenEndsWithItsContext: nobody waits for a connection whose caller has left.
func TestOpenEndsWithItsContext(t *testing.T) {
	c := newCaller(t)
	v := newVersion(t, &lbv1.BackendService{Protocol: lbv1.BackendProtocol_HTTP2}, mute(t))
	ctx, cancel := context.WithCancel(context.Background())
	var ended atomic.Bool
	done := make(chan error, 1)
	go func() {
		_, err := c.OpenStream(ctx, opening2(c, v, material{}))
		ended.Store(true)
		done <- err
	}()
	eventually(t, "the stream is counted", func() bool { return v.InUse(balance.Requests) == 1 })
	if ended.Load() {
		t.Fatal("it did not wait")
	}
	cancel()
	if f := failureOf(t, <-done); f.Cause != Canceled {
		t.Errorf("%v", f)
	}
}
