package wasm

import (
	"context"
	"fmt"
	"time"
)

// Services makes the calls of guests in the Full profile. Its methods are called in goroutines of their own.
type Services interface {
	// Knows reports at once whether there is an upstream of that name, KnowsTarget whether a target of gRPC names one.
	Knows(upstream string) bool
	KnowsTarget(target string) bool
	// HTTP makes a call. Of an error the guest learns that the call failed, as in Envoy; who has the Services tells the reason.
	HTTP(ctx context.Context, c *HTTPCall) (*HTTPAnswer, error)
	// GRPC begins a stream, or a call of one message.
	GRPC(ctx context.Context, c *GRPCCall) (GRPCStream, error)
}

// HTTPCall is what a guest asks.
type HTTPCall struct {
	Upstream string
	// Headers have :method, :path and :authority among them.
	Headers  Pairs
	Body     []byte
	Trailers Pairs
	// Timeout is 0 for none.
	Timeout time.Duration
}

// HTTPAnswer is what came, :status among the headers.
type HTTPAnswer struct {
	Headers  Pairs
	Body     []byte
	Trailers Pairs
}

// calling are the calls of an instance that are under way, and the one whose callback runs.
type calling struct {
	lastCall uint32
	pending  map[uint32]context.CancelFunc
	streams  map[uint32]*grpcCallState

	answer     *HTTPAnswer
	message    []byte
	initial    Pairs
	trailing   Pairs
	statusCode uint32
	statusText string
}

// fromOutside runs what no callback of the guest has asked for, under the lock. A panic in it ends the instance only.
func (in *instance) fromOutside(f func()) {
	in.mu.Lock()
	defer in.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			_ = in.fail("a callback", fmt.Errorf("%v", r))
		}
	}()
	if in.broken == nil && !in.closed {
		f()
	}
}

// rootCall calls a callback of the root context. What goes wrong shows in the instance.
func (in *instance) rootCall(cb callback, args ...uint64) {
	all := append([]uint64{uint64(in.root.id)}, args...)
	_, _ = in.invoke(cb, in.root, all...)
}

func setTickPeriod(in *instance, a arguments) uint32 {
	if in.tick != nil {
		in.tick.Stop()
		in.tick = nil
	}
	if period := time.Duration(a.u32(0)) * time.Millisecond; period > 0 {
		in.tick = time.AfterFunc(period, func() { in.ticked(period) })
	}
	return uint32(ok)
}

func (in *instance) ticked(period time.Duration) {
	in.fromOutside(func() {
		t := in.tick
		in.rootCall(onTick)
		if t != nil && in.tick == t {
			t.Reset(period)
		}
	})
}

func getStatus(in *instance, a arguments) uint32 {
	if !in.put32(a.u32(0), in.statusCode) {
		return uint32(invalidMemoryAccess)
	}
	return uint32(in.give([]byte(in.statusText), a.u32(1), a.u32(2)))
}

// callMap is a map of the call whose callback runs.
func (in *instance) callMap(m mapType) Headers {
	switch m {
	case mapHTTPCallHeaders, mapHTTPCallTrailers:
		if in.answer == nil {
			return nil
		}
		if m == mapHTTPCallHeaders {
			return fixed(in.answer.Headers)
		}
		return fixed(in.answer.Trailers)
	case mapGRPCInitial:
		if in.initial != nil {
			return fixed(in.initial)
		}
	case mapGRPCTrailing:
		if in.trailing != nil {
			return fixed(in.trailing)
		}
	}
	return nil
}

func (in *instance) callBuffer(t bufferType) ([]byte, bool) {
	switch {
	case t == bufferHTTPCall && in.answer != nil:
		return in.answer.Body, true
	case t == bufferGRPC && in.message != nil:
		return in.message, true
	}
	return nil, false
}

func (in *instance) cancelCalls() {
	for _, cancel := range in.pending {
		cancel()
	}
	for _, c := range in.calling.streams {
		c.cancel()
	}
	in.pending, in.calling.streams = nil, nil
}

func (in *instance) callsUnderWay() int { return len(in.pending) + len(in.calling.streams) }

func httpCall(in *instance, a arguments) uint32 {
	upstream, good1 := in.text(a.u32(0), a.u32(1))
	headers, good2 := in.view(a.u32(2), a.u32(3))
	body, good3 := in.text(a.u32(4), a.u32(5))
	trailers, good4 := in.view(a.u32(6), a.u32(7))
	if !good1 || !good2 || !good3 || !good4 || !in.put32(a.u32(9), 0) {
		return uint32(invalidMemoryAccess)
	}
	c := &HTTPCall{
		Upstream: upstream, Headers: parsePairs(headers), Body: []byte(body), Trailers: parsePairs(trailers),
		Timeout: time.Duration(int32(a.u32(8))) * time.Millisecond,
	}
	services := in.plugin.config.Services
	if services == nil || c.Timeout < 0 || !c.complete() || !services.Knows(upstream) {
		return uint32(badArgument)
	}
	if in.callsUnderWay() >= maxCalls {
		return uint32(internalFailure)
	}
	in.lastCall++
	id := in.lastCall
	in.write32(a.u32(9), id)
	in.startHTTP(id, services, c)
	return uint32(ok)
}

func (c *HTTPCall) complete() bool {
	for _, name := range []string{":method", ":path", ":authority"} {
		if v, _ := c.Headers.get(name); v == "" {
			return false
		}
	}
	return true
}

func (in *instance) startHTTP(id uint32, services Services, c *HTTPCall) {
	ctx, cancel := context.WithCancel(context.Background())
	if in.pending == nil {
		in.pending = map[uint32]context.CancelFunc{}
	}
	in.pending[id] = cancel
	go func() {
		defer cancel()
		answer, err := guarded(func() (*HTTPAnswer, error) { return services.HTTP(ctx, c) })
		in.fromOutside(func() { in.answered(id, answer, err) })
	}()
}

// brokenConnection is Envoy's status of a call that failed.
const brokenConnection = 11

func (in *instance) answered(id uint32, answer *HTTPAnswer, err error) {
	if _, expected := in.pending[id]; !expected {
		return
	}
	delete(in.pending, id)
	in.statusCode, in.statusText = 0, ""
	if err != nil || answer == nil {
		in.statusCode, in.statusText = brokenConnection, "reset"
		in.rootCall(onHTTPCallResponse, uint64(id), 0, 0, 0)
		return
	}
	in.answer = answer
	in.rootCall(onHTTPCallResponse, uint64(id), uint64(len(answer.Headers)), uint64(len(answer.Body)), uint64(len(answer.Trailers)))
	in.answer = nil
}

// guarded makes a panic an error.
func guarded[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v", r)
		}
	}()
	return f()
}
