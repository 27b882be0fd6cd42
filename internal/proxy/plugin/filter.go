package plugin

import (
	"errors"
	"sync/atomic"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// filter is a plugin in one exchange.
type filter struct {
	extension.Pass
	settings *settings
	x        extension.Exchange
	failing  *extension.Failing
	sampled  bool
	stream   *wasm.Stream
	facts    facts
	// out says that the plugin has no more part in the exchange: it failed, and failOpen lets the exchange go on.
	out atomic.Bool
}

var _ extension.Filter = (*filter)(nil)

// head is a request or an answer.
type head interface {
	Body() message.Body
	SetBody(b message.Body, length int64) error
}

// Request implements extension.Filter.
func (f *filter) Request(q *extension.Request) error {
	f.facts.request(q)
	if f.stream == nil {
		if err := f.begin(); err != nil || f.out.Load() {
			return err
		}
	}
	ends := !q.HasBody() || q.Upgrade() != nil
	err := f.handle(wasm.Request, q, newRequestMap(q), ends)
	if f.settings.looksBack && q.Upgrade() != nil {
		f.facts.q = keptRequest(q) // its buffers are the tunnel's when there is one
	}
	return err
}

// Response implements extension.Filter.
func (f *filter) Response(r *extension.Response) error {
	if f.out.Load() || f.stream == nil {
		return nil
	}
	f.facts.response(r)
	err := f.handle(wasm.Response, r, newResponseMap(r), !r.HasBody())
	if f.settings.looksBack {
		f.facts.response(kept(r)) // the backend's buffers are another exchange's when this one ends
	}
	return err
}

func (f *filter) begin() error {
	stream, err := f.settings.version.plugin.Stream(f)
	if err != nil {
		return f.failed(err)
	}
	f.stream = stream
	f.settings.version.state.count(eventStream)
	return nil
}

// handle shows the head of a message, and stands before its body.
func (f *filter) handle(d wasm.Direction, m head, h wasm.Headers, ends bool) error {
	s := f.settings
	if s.headers[d] {
		action, err := f.headers(d, h, ends)
		if err == nil && action == wasm.Pause {
			err = f.stream.Await(f.x.Context(), d)
		}
		if err != nil {
			return f.failed(err)
		}
		if action == wasm.EndStream && !ends {
			return allowed(m.SetBody(nil, 0))
		}
	}
	if ends || f.out.Load() || !s.bodies[d] && !s.trailers[d] {
		return nil
	}
	return allowed(m.SetBody(&body{f: f, direction: d, source: pieces{body: m.Body()}}, message.UnknownLength))
}

func (f *filter) headers(d wasm.Direction, h wasm.Headers, ends bool) (wasm.Action, error) {
	if d == wasm.Request {
		return f.stream.RequestHeaders(h, ends)
	}
	return f.stream.ResponseHeaders(h, ends)
}

// allowed forgets that something must not be changed.
func allowed(err error) error {
	if errors.Is(err, extension.ErrForbidden) {
		return nil
	}
	return err
}

// failed is what becomes of the exchange. nil: it goes on without the plugin.
func (f *filter) failed(err error) error {
	var reply *wasm.LocalReply
	if errors.As(err, &reply) {
		f.settings.version.state.count(eventReplied)
		if reply.Details != "" {
			f.x.Log("details", reply.Details)
		}
		return localReply(reply)
	}
	if f.x.Context().Err() != nil {
		return err
	}
	cause := newFailure(err)
	switch cause.word {
	case eventCrashed, eventDeadline: // counted by the instance
	default:
		f.settings.version.state.count(cause.word)
	}
	if err := f.failing.Fail(cause); err != nil {
		return err
	}
	f.out.Store(true)
	return nil
}

// End implements extension.Filter.
func (f *filter) End(o extension.Outcome) {
	if f.stream == nil {
		return
	}
	f.facts.end(o)
	f.x.Log("pluginVersion", f.settings.version.Name)
	f.x.Worked()
	if err := f.stream.Close(); err != nil {
		f.x.Log("error", err.Error())
	}
}
