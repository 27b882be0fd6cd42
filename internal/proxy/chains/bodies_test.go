package chains_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	modev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// passing answers every event with "no change", in full duplex with the chunk itself.
func passing(duplex bool) calloutserver.Events {
	same := func(b *extprocv3.HttpBody) *extprocv3.BodyResponse {
		if duplex {
			return calloutserver.Piece(b.GetBody(), b.GetEndOfStream())
		}
		return &extprocv3.BodyResponse{}
	}
	return calloutserver.Events{RequestBody: same, ResponseBody: same, RequestHeaders: unchanged, ResponseHeaders: unchanged}
}

func unchanged(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse { return calloutserver.Headers(nil) }

// native is a callout that pushes back as gRPC servers do.
func native(t testing.TB, process func(calloutserver.Stream) error) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := calloutserver.New(process)
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(server.Stop)
	return ln.Addr().String()
}

// stretch is a body of n bytes that nobody holds.
type stretch struct{ left, at int64 }

func (s *stretch) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), s.left))
	for i := range p[:n] {
		p[i] = byte((s.at + int64(i)) >> 7)
	}
	s.left, s.at = s.left-int64(n), s.at+int64(n)
	return n, nil
}

func sumOf(n int64) string {
	h := sha256.New()
	_, _ = io.Copy(h, &stretch{left: n})
	return sum(h)
}

func sum(h hash.Hash) string { return fmt.Sprintf("%x", h.Sum(nil)) }

// TestSizes takes bodies from nothing to 100 MB (16 MB where tests are to be short or are watched) through callouts, both ways
// at once. Every byte arrives once and in order, and memory stays flat.
func TestSizes(t *testing.T) {
	largest := int64(100 << 20)
	if testing.Short() || watched {
		largest = 16 << 20
	}
	for _, duplex := range []bool{false, true} {
		e := ext(requestHeaders, requestBody, requestTrailers, responseHeaders, responseBody, responseTrailers)
		if duplex {
			e.RequestBodySendMode, e.ResponseBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED, lbv1.Extension_FULL_DUPLEX_STREAMED
		}
		x := newSite(t, setup{
			plain: true, traffic: []*lbv1.Extension{e}, edit: func(m *resources) { m.calloutAddress = native(t, passing(duplex).Process) },
			backend: func(w http.ResponseWriter, r *http.Request) {
				_ = http.NewResponseController(w).EnableFullDuplex()
				_, _ = io.Copy(w, r.Body)
			},
		})
		for _, version := range []int{1, 2} {
			for _, n := range []int64{0, 1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 1 << 20, largest} {
				if version == 1 && n == largest {
					continue // once is enough
				}
				x.large(version, n, fmt.Sprintf("duplex %v, HTTP/%d, %d bytes", duplex, version, n))
			}
		}
	}
}

// large sends and receives n bytes, and watches the memory of the whole process meanwhile.
func (x *site) large(version int, n int64, what string) {
	x.t.Helper()
	done := make(chan struct{})
	var peak atomic.Uint64
	go func() {
		defer close(done)
		q, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+x.addr+"/", &stretch{left: n})
		c := client(x.t, version)
		c.Timeout = 0
		res, err := c.Do(q)
		if err != nil {
			x.t.Errorf("%s: %v", what, err)
			return
		}
		defer func() { _ = res.Body.Close() }()
		h := sha256.New()
		got, err := io.Copy(h, res.Body)
		if err != nil || got != n || sum(h) != sumOf(n) {
			x.t.Errorf("%s: %d bytes came back, %v", what, got, err)
		}
	}()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-done:
			tick.Stop()
			if p := peak.Load(); p > before+48<<20 {
				x.t.Errorf("%s: %d MB of memory", what, (p-before)>>20)
			}
			return
		case <-tick.C:
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
		case <-time.After(5 * time.Minute):
			x.t.Fatal(what + ": never ends")
		}
	}
}

// TestWholeBodyFirst is a callout that wants all of a body of 1 MB in full duplex before it says a word, as those do that route
// by what a body says: then come headers, the body in pieces and the trailers, each once.
func TestWholeBodyFirst(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 64<<10)
	for _, tail := range []bool{false, true} {
		x := newSite(t, setup{plain: true, callout: calloutserver.Handler(func(s calloutserver.Stream) error {
			var whole []byte
			for {
				q, err := s.Recv()
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				whole = append(whole, q.GetRequestBody().GetBody()...)
				if q.GetRequestTrailers() == nil && !q.GetRequestBody().GetEndOfStream() {
					continue
				}
				head := &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: calloutserver.Headers(calloutserver.Set(":path", "/routed"))}}
				if err := s.Send(head); err != nil {
					return err
				}
				for len(whole) > 0 {
					n := min(len(whole), 63<<10)
					last := n == len(whole) && q.GetRequestTrailers() == nil
					r := &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: calloutserver.Piece(whole[:n], last)}}
					if err := s.Send(r); err != nil {
						return err
					}
					whole = whole[n:]
				}
				if q.GetRequestTrailers() != nil {
					r := &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: &extprocv3.TrailersResponse{}}}
					if err := s.Send(r); err != nil {
						return err
					}
				}
			}
		}), edit: func(m *resources) {
			e := ext(requestHeaders, requestBody, requestTrailers)
			e.RequestBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED
			m.route = chainOf([]*lbv1.Extension{e})
			m.rule.Match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/routed"}
		}})
		for _, version := range []int{1, 2} {
			q, _ := http.NewRequest(http.MethodPost, "http://"+x.addr+"/", io.MultiReader(strings.NewReader(body)))
			if tail {
				q.Trailer = http.Header{"X-Tail": {"sent"}}
			}
			res, err := client(t, version).Do(q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode != 200 || string(got) != body || tail && res.Trailer.Get("X-Tail") != "sent" {
				t.Errorf("HTTP/%d, trailers %v: status %d, %d bytes, trailer %q, %v", version, tail, res.StatusCode, len(got), res.Trailer.Get("X-Tail"), err)
			}
		}
	}
}

// TestModeOverride: the first chunk of a body that an override asks for is the callout's, too.
func TestModeOverride(t *testing.T) {
	x := newSite(t, setup{
		traffic: []*lbv1.Extension{ext(requestHeaders)},
		callout: calloutserver.Handler(func(s calloutserver.Stream) error {
			for {
				q, err := s.Recv()
				if err != nil {
					return nil
				}
				r := upperEvents(false).Answer(q)
				if q.GetRequestHeaders() != nil {
					r.ModeOverride = &modev3.ProcessingMode{
						RequestBodyMode: modev3.ProcessingMode_STREAMED, ResponseBodyMode: modev3.ProcessingMode_STREAMED, ResponseHeaderMode: modev3.ProcessingMode_SKIP,
					}
				}
				if err := s.Send(r); err != nil {
					return err
				}
			}
		}),
	})
	for _, version := range []int{1, 2} {
		if g := x.ask(version, "POST", "/", "hello"); g.body != "HELLO" || g.header.Get("X-Ext") != "" {
			t.Errorf("HTTP/%d: %+v", version, g)
		}
	}
}

// TestRetry: a body that a callout has changed is sent again as it was changed, and the callout sees it once.
func TestRetry(t *testing.T) {
	var asked atomic.Int32
	var seen told
	x := newSite(t, setup{
		plain: true, traffic: []*lbv1.Extension{ext(requestHeaders, requestBody)},
		callout: calloutserver.Handler(func(s calloutserver.Stream) error {
			for {
				q, err := s.Recv()
				if err != nil {
					return nil
				}
				seen.add(q)
				if err := s.Send(upperEvents(false).Answer(q)); err != nil {
					return err
				}
			}
		}),
		backend: func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			if asked.Add(1) == 1 {
				w.WriteHeader(503)
				return
			}
			_, _ = w.Write(b)
		},
		edit: func(m *resources) {
			m.rule.Retry = &lbv1.RetryPolicy{Attempts: 3, Codes: []uint32{503}}
		},
	})
	g := x.ask(1, "POST", "/", "hello")
	if g.status != 200 || g.body != "HELLO" || asked.Load() != 2 {
		t.Errorf("%+v after %d requests", g, asked.Load())
	}
	if got := seen.String(); got != "RequestHeaders RequestBody" {
		t.Errorf("the callout saw %s", got)
	}
}

// TestSlowStream: what a client sends bit by bit goes on without waiting for the rest.
func TestSlowStream(t *testing.T) {
	for _, duplex := range []bool{false, true} {
		e := ext(requestBody, requestTrailers, responseBody, responseTrailers)
		if duplex {
			e.RequestBodySendMode, e.ResponseBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED, lbv1.Extension_FULL_DUPLEX_STREAMED
		}
		x := newSite(t, setup{plain: true, traffic: []*lbv1.Extension{e}, callout: handler(upperEvents(duplex)), backend: func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			_ = c.EnableFullDuplex()
			w.WriteHeader(200)
			_ = c.Flush()
			buf := make([]byte, 100)
			for {
				n, err := r.Body.Read(buf)
				_, _ = w.Write(buf[:n])
				_ = c.Flush()
				if err != nil {
					return
				}
			}
		}, edit: func(m *resources) { m.service.Protocol = lbv1.BackendProtocol_H2C }})
		pr, pw := io.Pipe()
		q, _ := http.NewRequest(http.MethodPost, "http://"+x.addr+"/", pr)
		res, err := client(t, 2).Do(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"one", "two", "three"} {
			if _, err := pw.Write([]byte(word)); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(word))
			if _, err := io.ReadFull(res.Body, got); err != nil || !bytes.Equal(got, bytes.ToUpper([]byte(word))) {
				t.Fatalf("duplex %v: %q, %v", duplex, got, err)
			}
		}
		_ = pw.Close()
		if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
			t.Errorf("duplex %v: %q, %v at the end", duplex, rest, err)
		}
		_ = res.Body.Close()
	}
}
