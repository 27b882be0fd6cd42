package exchange

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
	"github.com/spillway-lb/spillway/internal/proxy/variable"
)

const (
	// maxMirrors bounds the copies under way in a proxy. More are dropped, and counted: a slow mirror costs nobody else.
	maxMirrors = 256
	// maxMirrorTime bounds a copy whose backend service has no timeout.
	maxMirrorTime = 30 * time.Second
)

// mirrors are the copies under way in a proxy.
type mirrors struct {
	mu      sync.Mutex
	ended   bool
	running map[*mirrored]struct{}
	group   sync.WaitGroup
}

// enter counts a copy in, if there is room.
func (s *mirrors) enter(m *mirrored) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.running) >= maxMirrors {
		return false
	}
	if s.running == nil {
		s.running = map[*mirrored]struct{}{}
	}
	s.running[m] = struct{}{}
	s.group.Add(1)
	return true
}

func (s *mirrors) leave(m *mirrored) {
	s.mu.Lock()
	delete(s.running, m)
	s.mu.Unlock()
	s.group.Done()
}

// EndMirrors lets the copies under way end until the context does, and interrupts those that are left. There are none after.
func (e *Engine) EndMirrors(ctx context.Context) {
	e.mirrors.mu.Lock()
	e.mirrors.ended = true
	e.mirrors.mu.Unlock()
	stop := context.AfterFunc(ctx, e.mirrors.interrupt)
	e.mirrors.group.Wait()
	stop()
}

func (s *mirrors) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for m := range s.running {
		m.watch.end(Aborted)
	}
}

// mirror chooses who gets a copy of the request: the mirrors of the rule and of the backend. The copies leave when the
// body is there, which is at once, or when the pump has sent the last of it; a body of which less is kept (see maxReplay)
// is not copied.
func (x *Exchange) mirror() {
	if x.rule == nil || len(x.rule.Mirrors)+len(x.backend.Mirrors) == 0 {
		return
	}
	t := &tee{}
	x.choose(t, x.rule.Mirrors)
	x.choose(t, x.backend.Mirrors)
	if len(t.copies) == 0 {
		return
	}
	t.req = copyRequest(&x.Sent)
	if x.body.src == nil {
		t.send(x.engine, x.body.kept)
		return
	}
	x.tee.Store(t)
}

func (x *Exchange) choose(t *tee, list []urlmap.Mirror) {
	for i := range list {
		m := &list[i]
		if !m.Sample.Next() {
			continue
		}
		service := x.root.Service(m.Service)
		if service == nil || service.AbortStatus != 0 {
			continue
		}
		d := x.engine.Caller.Service(config.Material{Root: x.root}, service)
		if x.Sent.Protocol != nil {
			d.Counts.MirrorFailures.Inc()
			continue
		}
		t.copies = append(t.copies, &mirrored{engine: x.engine, service: service, derived: d, client: x.address, custom: x.customOf(service)})
	}
}

// customOf is what a backend service sets on its requests.
func (x *Exchange) customOf(service *balance.Service) (m header.Map) {
	rule, backend := x.requestEdits()
	service.RequestHeaders.ApplyUnless(&m, owned{x}, rule, backend)
	return m
}

// owned fills variables in into memory of its own: copies outlive the exchange.
type owned struct{ x *Exchange }

// Expand implements filter.Expander.
func (o owned) Expand(t *variable.Template) []byte {
	if value := t.Append(nil, o.x); !isLong(value) {
		return value
	}
	return nil
}

// tee holds a request's copies until its body is there. It shares nothing with the request it was made from.
type tee struct {
	req    *message.Request
	copies []*mirrored
}

// bodyEnded lets copies leave that have waited for the body.
func (x *Exchange) bodyEnded() {
	t := x.tee.Swap(nil)
	switch {
	case t == nil:
	case x.body.overflow:
		t.drop()
	default:
		t.send(x.engine, x.body.kept)
	}
}

// dropCopies gives up copies whose body has not come.
func (x *Exchange) dropCopies() {
	if t := x.tee.Swap(nil); t != nil {
		t.drop()
	}
}

func (t *tee) drop() {
	for _, m := range t.copies {
		m.derived.Counts.MirrorFailures.Inc()
	}
}

// send starts the copies. They share the body, and what of the request is not their backend service's, which nobody changes.
func (t *tee) send(e *Engine, body []byte) {
	body = bytes.Clone(body)
	t.req.ContentLength = int64(len(body))
	for _, m := range t.copies {
		m.take(t.req, body)
		if !m.service.TryAcquire(balance.Requests) {
			m.derived.Counts.MirrorFailures.Inc()
			continue
		}
		if !e.mirrors.enter(m) {
			m.service.ReleaseLimit(balance.Requests)
			m.derived.Counts.MirrorFailures.Inc()
			continue
		}
		m.derived.Counts.Mirrored.Inc()
		go m.run()
	}
}

// mirrored is one copy.
type mirrored struct {
	engine  *Engine
	service *balance.Service
	derived *call.Service
	client  netip.AddrPort
	custom  header.Map // of the backend service
	req     message.Request
	body    []byte

	call     *call.Call
	deadline int64
	answer   upstream.Answer
	watch    watch
}

// take gives the copy what all copies share, and the headers of its own backend service.
func (m *mirrored) take(q *message.Request, body []byte) {
	m.req, m.body = *q, body
	if m.custom.Len() == 0 {
		return
	}
	m.req.Header = header.Map{}
	m.req.Header.CopyFrom(&q.Header)
	for i := range m.custom.Len() {
		f := m.custom.At(i)
		m.req.Header.Set(f.Name, f.Value)
	}
}

// run sends the copy and reads the answer to its end, for the connection's sake.
func (m *mirrored) run() {
	defer m.engine.mirrors.leave(m)
	defer m.service.ReleaseLimit(balance.Requests)
	defer m.engine.Guard.Recover("mirror", nil)
	pick := balance.PickInput{
		Request: &m.req, ClientIP: m.client.Addr(), ClientPort: m.client.Port(),
		Now: m.engine.Caller.Now(), Wall: time.Now().Unix(),
	}
	c := call.Call{Service: m.derived}
	err := c.Choose(m.service, &pick)
	if err == nil {
		m.call = &c
		defer m.close()
		err = m.send()
	}
	if err != nil {
		m.derived.Counts.MirrorFailures.Inc()
	}
}

func (m *mirrored) close() {
	m.watch.detach()
	m.call.Close()
}

func (m *mirrored) send() error {
	limit := m.service.Timeout
	if limit <= 0 {
		limit = maxMirrorTime
	}
	m.deadline = m.engine.in(limit)
	waiting := func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		m.watch.connecting(cancel)
		return ctx, cancel
	}
	if err := m.engine.Caller.Open(m.call, m, waiting, m.service); err != nil {
		return err
	}
	b := m.answer.Response.Body
	if b == nil {
		return nil
	}
	defer b.Close()
	for {
		if _, err := b.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Send implements call.Sender.
func (m *mirrored) Send(s upstream.Stream) error {
	if !m.watch.attach(s) {
		return transport.ErrTimeout
	}
	s.Arm(m.deadline)
	return s.RoundTrip(&m.req, m.body, &m.answer)
}

// Resend implements call.Sender.
func (m *mirrored) Resend() bool {
	m.watch.detach()
	m.call.CloseStream()
	m.answer.Reset()
	return true
}

// copyRequest copies a request without its body, with everything it points to, in one piece of memory.
func copyRequest(q *message.Request) *message.Request {
	size := len(q.Method) + len(q.Scheme) + len(q.Authority) + len(q.Path)
	for i := range q.Header.Len() {
		size += len(q.Header.At(i).Name) + len(q.Header.At(i).Value)
	}
	arena := make([]byte, 0, size)
	keep := func(p []byte) []byte {
		at := len(arena)
		arena = append(arena, p...)
		return arena[at:len(arena):len(arena)]
	}
	c := &message.Request{
		Method: keep(q.Method), Scheme: keep(q.Scheme), Authority: keep(q.Authority), Path: keep(q.Path),
		Major: q.Major, Minor: q.Minor,
	}
	for i := range q.Header.Len() {
		f := q.Header.At(i)
		if f.ID == header.Expect {
			continue
		}
		c.Header.Add(keep(f.Name), keep(f.Value))
	}
	return c
}
