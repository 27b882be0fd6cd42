package plugin

import (
	"fmt"
	"io"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// maxBuffered bounds what a plugin of the full profile has held back.
const maxBuffered = 8 << 20

var errTooMuch = fmt.Errorf("the plugin holds back more than %d bytes of a body", maxBuffered)

// pieces reads a body, and says of the last piece that it is the last one if that can be known without waiting.
type pieces struct {
	body  message.Body
	copy  []byte
	ahead []byte // came after the piece that was given out
	err   error
}

// next gives a piece, which is good until the next call. last: nothing follows it.
func (p *pieces) next() (piece []byte, last bool, err error) {
	piece, err = p.ahead, p.err
	if p.ahead = nil; piece == nil && err == nil {
		piece, err = p.body.Next()
	}
	if err != nil {
		p.err = err
		return nil, err == io.EOF, noEOF(err)
	}
	if message.Ready(p.body) {
		p.copy = append(p.copy[:0], piece...)
		piece = p.copy
		p.ahead, p.err = p.body.Next()
		if p.err != nil {
			p.ahead = nil
		}
	}
	return piece, p.err == io.EOF, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// body is a body on its way through the plugin.
type body struct {
	f         *filter
	direction wasm.Direction
	source    pieces

	held     []byte // what the plugin has held back
	trailers header.Map
	over     bool
	failure  error
}

var _ message.Body = (*body)(nil)

// Next implements message.Body.
func (b *body) Next() ([]byte, error) {
	for !b.over && b.failure == nil {
		p, err := b.step()
		if err != nil {
			b.failure = err
		} else if len(p) > 0 {
			return p, nil
		}
	}
	if b.failure != nil {
		return nil, b.failure
	}
	return nil, io.EOF
}

// step takes a piece of the source, and gives what goes on.
func (b *body) step() ([]byte, error) {
	p, last, err := b.source.next()
	if err != nil {
		return nil, err
	}
	if last {
		b.over = true
		b.copyTrailers()
	}
	if p, err = b.show(p, last); err != nil || !last {
		return p, err
	}
	return p, b.showTrailers()
}

// show shows a piece to the plugin; with what has been held back before, if there is something.
func (b *body) show(p []byte, last bool) ([]byte, error) {
	f := b.f
	if f.out.Load() || !f.settings.bodies[b.direction] {
		return p, nil
	}
	resumed, err := b.resumed()
	if err != nil {
		return b.failed(err, p)
	}
	if resumed {
		out := append(b.held, p...) // it goes on, and the plugin does not want to see it again
		b.held = nil
		return out, nil
	}
	whole := p
	if b.held != nil {
		if len(b.held)+len(p) > maxBuffered {
			return b.failed(errTooMuch, p)
		}
		whole = append(b.held, p...)
		b.held = whole
	}
	changed, action, err := b.call(whole, last && b.trailers.Len() == 0 || last && !f.settings.full)
	if err != nil {
		return b.failed(err, whole)
	}
	return b.act(changed, action, last)
}

// resumed reports whether the plugin has continued what it held back.
func (b *body) resumed() (bool, error) {
	if b.held == nil {
		return false, nil
	}
	return b.f.stream.Resumed(b.direction)
}

func (b *body) call(p []byte, last bool) ([]byte, wasm.Action, error) {
	if b.direction == wasm.Request {
		return b.f.stream.RequestBody(p, last)
	}
	return b.f.stream.ResponseBody(p, last)
}

// act does what the plugin wants with what it has seen.
func (b *body) act(p []byte, action wasm.Action, last bool) ([]byte, error) {
	b.held = nil
	switch {
	case action == wasm.Continue, action == wasm.EndStream:
		return p, nil
	case action == wasm.Discard:
		p = nil
	case action == wasm.Buffer && !last:
		b.held = append(make([]byte, 0, 2*len(p)), p...)
		return nil, nil
	}
	if action == wasm.Discard && !last {
		return nil, nil
	}
	p = append([]byte(nil), p...)
	if err := b.f.stream.Await(b.f.x.Context(), b.direction); err != nil {
		return b.failed(err, p)
	}
	if changed := b.f.stream.Body(b.direction); action != wasm.Discard && changed != nil {
		p = changed
	}
	return p, nil
}

// failed gives what goes on without the plugin, or why nothing does.
func (b *body) failed(err error, original []byte) ([]byte, error) {
	if err := b.f.failed(err); err != nil {
		return nil, err
	}
	b.held = nil
	return original, nil
}

func (b *body) copyTrailers() {
	if t := b.source.body.Trailers(); t != nil {
		b.trailers.CopyFrom(t)
	}
}

// showTrailers shows the trailers, if the plugin may see them and there are some.
func (b *body) showTrailers() error {
	f := b.f
	if f.out.Load() || !f.settings.trailers[b.direction] || b.trailers.Len() == 0 {
		return nil
	}
	t := extension.NewTrailers(&b.trailers, extension.PluginPolicy(extension.Traffic))
	call := f.stream.RequestTrailers
	if b.direction == wasm.Response {
		call = f.stream.ResponseTrailers
	}
	action, err := call(t)
	if err == nil && action == wasm.Pause {
		err = f.stream.Await(f.x.Context(), b.direction)
	}
	if err != nil {
		return f.failed(err)
	}
	return nil
}

// Trailers implements message.Body.
func (b *body) Trailers() *header.Map {
	if b.trailers.Len() == 0 {
		return nil
	}
	return &b.trailers
}

// Close implements message.Body.
func (b *body) Close() {}

// Ready implements message's hint: what has come ahead costs no wait.
func (b *body) Ready() bool {
	return b.over || b.failure != nil || b.source.ahead != nil || b.source.err != nil || message.Ready(b.source.body)
}
