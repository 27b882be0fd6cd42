package exchange

import (
	"context"
	"io"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

const (
	// maxMirrors bounds the copies under way in a proxy. More are dropped, and counted: a slow mirror costs nobody else.
	maxMirrors = 256
	// maxMirrorTime bounds a copy whose backend service has no timeout.
	maxMirrorTime = 30 * time.Second
)

// mirror sends copies of the request to the mirrors of the rule and of the backend. A request whose body has not arrived
// yet is not copied: it would have to be held back, or tied to the mirror's pace.
func (x *Exchange) mirror() {
	if x.rule == nil {
		return
	}
	x.mirrorTo(x.rule.Mirrors)
	x.mirrorTo(x.backend.Mirrors)
}

func (x *Exchange) mirrorTo(list []urlmap.Mirror) {
	for i := range list {
		m := &list[i]
		if !m.Sample.Next() {
			continue
		}
		service := x.root.Service(m.Service)
		if service == nil || service.AbortStatus != 0 {
			continue
		}
		d := x.engine.Caller.Service(x.root, service)
		if !x.body.whole() || x.Sent.Protocol != nil || x.engine.mirrors.Add(1) > maxMirrors {
			if x.body.whole() && x.Sent.Protocol == nil {
				x.engine.mirrors.Add(-1)
			}
			d.Counts.MirrorFailures.Inc()
			continue
		}
		c := &mirrored{engine: x.engine, root: x.root, service: service, derived: d}
		c.req, c.body = copyRequest(&x.Sent, x.body.kept)
		d.Counts.Mirrored.Inc()
		go c.run()
	}
}

// mirrored is one copy under way. It shares nothing with the request it was made from.
type mirrored struct {
	engine  *Engine
	root    *config.Root
	service *balance.Service
	derived *call.Service
	req     *message.Request
	body    []byte

	call     *call.Call
	deadline int64
	answer   upstream.Answer
}

// run sends the copy and reads the answer to its end, for the connection's sake.
func (m *mirrored) run() {
	defer m.engine.mirrors.Add(-1)
	pick := balance.PickInput{Request: m.req, Now: m.engine.Caller.Now(), Wall: time.Now().Unix()}
	c := call.Call{Service: m.derived}
	err := c.Choose(m.service, &pick)
	if err == nil {
		m.call = &c
		err = m.send()
		c.Close()
	}
	if err != nil {
		m.derived.Counts.MirrorFailures.Inc()
	}
}

func (m *mirrored) send() error {
	limit := m.service.Timeout
	if limit <= 0 {
		limit = maxMirrorTime
	}
	m.deadline = m.engine.in(limit)
	waiting := func() (context.Context, context.CancelFunc) { return context.WithTimeout(context.Background(), limit) }
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
	s.Arm(m.deadline)
	return s.RoundTrip(m.req, m.body, &m.answer)
}

// Resend implements call.Sender.
func (m *mirrored) Resend() bool {
	m.call.CloseStream()
	m.answer.Reset()
	return true
}

// copyRequest copies a request with everything it points to, in one piece of memory.
func copyRequest(q *message.Request, body []byte) (*message.Request, []byte) {
	size := len(q.Method) + len(q.Scheme) + len(q.Authority) + len(q.Path) + len(body)
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
		ContentLength: int64(len(body)), Major: q.Major, Minor: q.Minor,
	}
	for i := range q.Header.Len() {
		f := q.Header.At(i)
		if f.ID == header.Expect {
			continue
		}
		c.Header.Add(keep(f.Name), keep(f.Value))
	}
	return c, keep(body)
}
