package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Question is a request whose answer is read whole.
type Question struct {
	// Version is the backend service; Service is what calls made of it.
	Version *balance.Service
	Service *Service
	// Request is the head. Its Body and ContentLength are not looked at.
	Request  *message.Request
	Body     []byte
	Trailers *header.Map // nil for none
	// Limit bounds the body of the answer, in bytes.
	Limit int
}

// Reply is an answer in memory of its own.
type Reply struct {
	Status           int
	Header, Trailers header.Map
	Body             []byte
}

// ErrLongReply is of an answer above the limit.
var ErrLongReply = errors.New("the answer is too long")

var errLate = errors.New("no answer came in time")

// Ask sends a request and reads the answer. ctx bounds all of it. Endpoints that cannot be connected to give way to others. An error
// is a *Failure.
func (c *Caller) Ask(ctx context.Context, q *Question) (*Reply, error) {
	if !q.Version.TryAcquire(balance.Requests) {
		q.Service.Counts.Overflows.Inc()
		return nil, &Failure{Cause: Overflow, Err: upstream.ErrOverflow}
	}
	defer q.Version.ReleaseLimit(balance.Requests)
	a := &asking{Question: q, call: Call{Service: q.Service}}
	defer a.close()
	defer context.AfterFunc(ctx, a.interrupt)()
	a.head = q.head()
	reply, err := a.run(ctx, c)
	if err == nil {
		return reply, nil
	}
	f := &Failure{Cause: causeOf(err), Err: err, Endpoint: a.endpoint}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		f.Cause, f.Err = Timeout, errLate
	case ctx.Err() != nil:
		f.Cause, f.Err = Canceled, context.Cause(ctx)
	}
	return nil, f
}

// head is that of the request, which says how long the body is unless trailers follow it.
func (q *Question) head() *message.Request {
	head := *q.Request
	head.Header = header.Map{}
	head.Header.CopyFrom(&q.Request.Header)
	head.ContentLength = int64(len(q.Body))
	switch {
	case q.Trailers != nil:
		head.ContentLength = message.UnknownLength
	case len(q.Body) > 0:
		head.Header.SetID(header.ContentLength, strconv.AppendInt(nil, head.ContentLength, 10))
	}
	return &head
}

// asking is one under way.
type asking struct {
	*Question
	head     *message.Request
	call     Call
	endpoint string
	answer   upstream.Answer

	mu          sync.Mutex
	under       upstream.Stream // to be interrupted; nil between attempts
	interrupted bool
}

func (a *asking) run(ctx context.Context, c *Caller) (*Reply, error) {
	now := time.Now()
	in := balance.PickInput{Request: a.head, Now: c.Since(now), Wall: now.Unix()}
	if err := c.connect(ctx, &a.call, a.Version, &in, a, func(e *balance.Endpoint) { a.endpoint = e.Address }); err != nil {
		return nil, err
	}
	return a.read()
}

// read copies the answer.
func (a *asking) read() (*Reply, error) {
	res := &a.answer.Response
	if res.Status < 200 {
		return nil, fmt.Errorf("the connection became a tunnel, which nobody asked for (status %d)", res.Status)
	}
	out := &Reply{Status: res.Status, Header: cloned(&res.Header)}
	if res.Body == nil {
		return out, nil
	}
	for {
		p, err := res.Body.Next()
		switch {
		case err == io.EOF:
			if t := res.Body.Trailers(); t != nil {
				out.Trailers = cloned(t)
			}
			return out, nil
		case err != nil:
			return nil, err
		case len(out.Body)+len(p) > a.Limit:
			return nil, fmt.Errorf("%w: more than %d bytes", ErrLongReply, a.Limit)
		}
		out.Body = append(out.Body, p...)
	}
}

func cloned(m *header.Map) (out header.Map) {
	for i := range m.Len() {
		f := m.At(i)
		out.Add(bytes.Clone(f.Name), bytes.Clone(f.Value))
	}
	return out
}

// Send implements Sender.
func (a *asking) Send(s upstream.Stream) error {
	if !a.attach(s) {
		return transport.ErrTimeout
	}
	if a.Trailers == nil {
		return s.RoundTrip(a.head, a.Body, &a.answer)
	}
	if err := s.SendHead(a.head); err != nil {
		return err
	}
	if len(a.Body) > 0 {
		if err := s.SendData(a.Body); err != nil {
			return err
		}
	}
	if err := s.SendEnd(a.Trailers); err != nil {
		return err
	}
	return s.ReadHead(a.head, &a.answer)
}

// Resend implements Sender.
func (a *asking) Resend() bool {
	a.detach()
	a.call.CloseStream()
	a.answer.Reset()
	return true
}

func (a *asking) attach(s upstream.Stream) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.under = s
	return !a.interrupted
}

func (a *asking) detach() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.under = nil
}

// interrupt makes every wait fail, now and from now on.
func (a *asking) interrupt() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.interrupted = true
	if a.under != nil {
		a.under.Interrupt()
	}
}

func (a *asking) close() {
	a.detach()
	if b := a.answer.Response.Body; b != nil {
		b.Close()
	}
	a.answer.Reset()
	a.call.Close()
}
