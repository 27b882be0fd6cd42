package callout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// memory is a stream whose other end is a function. Answers that are due are overdue when nothing can come any more.
type memory struct {
	answer func(q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse
	status *frame.Status // how the callout ends the stream once it is told that there is no more; nil leaves it open
	ends   bool          // it ends it as soon as its answers are taken

	mu       sync.Mutex
	changed  *sync.Cond
	requests []*extprocv3.ProcessingRequest
	out      []byte
	owed     int
	canceled bool
	closed   int
	refused  bool // nobody looks at it
	trailers header.Map
	head     message.Response
}

func newMemory(answer func(*extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse) *memory {
	m := &memory{answer: answer}
	m.changed = sync.NewCond(&m.mu)
	m.head.Status = 200
	m.head.Header.AddID(header.ContentType, grpcType)
	return m
}

func (m *memory) Send(p []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.canceled {
		return &call.Failure{Cause: call.Canceled, Err: errors.New("cancelled")}
	}
	var q extprocv3.ProcessingRequest
	if err := proto.Unmarshal(p[frame.PrefixLength:], &q); err != nil {
		panic(err)
	}
	m.requests = append(m.requests, &q)
	for _, r := range m.answer(&q) {
		b, err := proto.Marshal(r)
		if err != nil {
			panic(err)
		}
		m.out = frame.Append(m.out, b)
	}
	m.changed.Broadcast()
	return nil
}

func (m *memory) Receive() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		switch {
		case m.canceled:
			return nil, &call.Failure{Cause: call.Canceled, Err: errors.New("cancelled")}
		case len(m.out) > 0:
			p := m.out
			m.out = nil
			return p, nil
		case m.ends:
			m.trailers.Reset()
			if m.status != nil {
				m.trailers.Add([]byte("grpc-status"), fmt.Append(nil, uint32(m.status.Code)))
			}
			return nil, io.EOF
		case m.owed > 0:
			return nil, &call.Failure{Cause: call.Timeout, Err: errors.New("overdue")}
		}
		m.changed.Wait()
	}
}

func (m *memory) Head() (*message.Response, error) {
	if m.refused {
		return nil, &call.Failure{Cause: call.Protocol, Unseen: true, Err: errors.New("refused")}
	}
	return &m.head, nil
}

func (m *memory) Trailers() *header.Map { return &m.trailers }
func (m *memory) CloseSend() error      { return nil }
func (m *memory) Endpoint() string      { return "192.0.2.1:443" }

func (m *memory) Await(time.Duration) (due call.Due) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owed++
	m.changed.Broadcast()
	return due
}

func (m *memory) Answered(call.Due) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owed--; m.owed < 0 {
		panic("more answers than were awaited")
	}
}

func (m *memory) Cancel() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.canceled = true
	m.changed.Broadcast()
}

func (m *memory) Close() {
	m.Cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed++
}

// exchange is what the filter knows of one.
type exchange struct {
	ctx    context.Context
	client extension.Client
	mu     sync.Mutex
	log    map[string]string
	counts map[string]int
	chosen []netip.AddrPort
}

func (x *exchange) Context() context.Context                        { return x.ctx }
func (x *exchange) Client() extension.Client                        { return x.client }
func (x *exchange) Region() string                                  { return "DE" }
func (x *exchange) ForwardingRule() string                          { return "rule" }
func (x *exchange) TargetProxy() string                             { return "proxy" }
func (x *exchange) Rule() (route, rule string)                      { return "", "" }
func (x *exchange) Service() *balance.Service                       { return nil }
func (x *exchange) Lookup(string) (*balance.Service, *call.Service) { return nil, nil }
func (x *exchange) Caller() *call.Caller                            { return nil }
func (x *exchange) Choose(endpoints ...netip.AddrPort) error        { x.chosen = endpoints; return nil }

func (x *exchange) Log(name, value string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.log[name] = value
}

func (x *exchange) Transfer(sent, received int64) {}

func (x *exchange) Failed(word, text string) {}

func (x *exchange) Worked() {}

func (x *exchange) Count(event string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counts[event]++
}

// source is a body in pieces.
type source struct {
	pieces   []string
	ready    bool
	err      error // at the end, instead of io.EOF
	trailers *header.Map
	ended    bool
}

func (s *source) Next() ([]byte, error) {
	if len(s.pieces) == 0 {
		s.ended = s.err == nil
		if s.err != nil {
			return nil, s.err
		}
		return nil, io.EOF
	}
	p := []byte(s.pieces[0])
	s.pieces = s.pieces[1:]
	return p, nil
}

func (s *source) Ready() bool { return s.ready }

func (s *source) Trailers() *header.Map {
	if !s.ended {
		return nil
	}
	return s.trailers
}

func (s *source) Close() {}

// bodies is the way to a message's body.
type bodies struct{ body *message.Body }

func (b bodies) Source() message.Body            { return *b.body }
func (b bodies) Replace(n message.Body, _ int64) { *b.body = n }

// run is one exchange with one callout.
type run struct {
	t        testing.TB
	x        *exchange
	pipe     *memory
	filter   *filter
	request  message.Request
	response message.Response
}

// newRun begins an exchange with an extension.
func newRun(t testing.TB, e *lbv1.Extension, kind extension.Kind, m *memory) *run {
	t.Helper()
	s, err := Compile(kind, "projects/p/locations/global/resource", "chain", e)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, pipe: m, x: &exchange{ctx: context.Background(), log: map[string]string{}, counts: map[string]int{}}}
	r.filter = newFilter(s, r.x, func() (pipe, error) { return m, nil })
	r.request = message.Request{Method: []byte("POST"), Scheme: message.SchemeHTTP, Authority: []byte("a.example"), Path: []byte("/p?q"), Major: 1, Minor: 1}
	r.request.Header.Add([]byte("x-here"), []byte("v"))
	r.response = message.Response{Status: 200}
	r.response.Header.Add([]byte("x-back"), []byte("w"))
	return r
}

func (r *run) sendRequest(body message.Body) error {
	r.request.Body = body
	q := extension.NewRequest(&r.request, r.filter.settings.Policy, bodies{&r.request.Body})
	defer q.Close()
	return r.filter.Request(q)
}

func (r *run) sendResponse(body message.Body) error {
	r.response.Body = body
	p := extension.NewResponse(&r.response, r.filter.settings.Policy, bodies{&r.response.Body})
	defer p.Close()
	return r.filter.Response(p)
}

// pull reads a body to its end.
func pull(b message.Body) (string, error) {
	if b == nil {
		return "", nil
	}
	var all strings.Builder
	for {
		p, err := b.Next()
		all.Write(p)
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
	}
}

func (r *run) end() {
	r.filter.End(extension.Outcome{})
	if r.pipe.closed > 1 {
		r.t.Errorf("the stream was closed %d times", r.pipe.closed)
	}
}

// fieldsOf are a message's as text.
func fieldsOf(m *header.Map) string {
	var list []string
	for i := range m.Len() {
		list = append(list, string(m.At(i).Name)+": "+string(m.At(i).Value))
	}
	return strings.Join(list, "; ")
}
