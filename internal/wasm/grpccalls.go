package wasm

import (
	"context"
	"time"
)

// GRPCCall is what a guest asks.
type GRPCCall struct {
	// Target names the upstream, in the form that Services knows.
	Target, Service, Method string
	Metadata                Pairs
	// Timeout is 0 for none, and always for streams.
	Timeout time.Duration
	// Single: one message goes, and one comes.
	Single bool
}

// GRPCStream is one under way. Send and Recv are called by one goroutine each.
type GRPCStream interface {
	// Send sends a message; end is the half-close. A nil message with end only closes.
	Send(message []byte, end bool) error
	// Recv waits for what comes next. After an event with Closed there is nothing more.
	Recv() (GRPCEvent, error)
	// Close gives the stream up. It is called once, and ends Send and Recv.
	Close()
}

// GRPCEvent is what comes on a stream: one of initial metadata, a message, and the end with its trailers.
type GRPCEvent struct {
	Initial Pairs
	Message []byte
	// Closed says that the stream has ended, with Status and StatusText.
	Closed     bool
	Trailing   Pairs
	Status     uint32
	StatusText string
}

// grpcCallState is a call or stream of the guest.
type grpcCallState struct {
	single bool
	cancel context.CancelFunc
	out    chan grpcMessage
	// answer is that of a single call, until the call has ended well.
	answer []byte
}

type grpcMessage struct {
	p   []byte
	end bool
}

const (
	waitingMessages = 256 // that a stream may have before it has been opened
	grpcUnavailable = 14
	grpcInternal    = 13
)

func grpcCall(in *instance, a arguments) uint32 {
	c, good := in.grpcArguments(a)
	message, good2 := in.text(a.u32(8), a.u32(9))
	if !good || !good2 {
		return uint32(invalidMemoryAccess)
	}
	if c.Timeout = time.Duration(int32(a.u32(10))) * time.Millisecond; c.Timeout < 0 {
		return uint32(badArgument)
	}
	return in.startGRPC(c, a.u32(11), &grpcMessage{[]byte(message), true})
}

func grpcStream(in *instance, a arguments) uint32 {
	c, good := in.grpcArguments(a)
	if !good {
		return uint32(invalidMemoryAccess)
	}
	return in.startGRPC(c, a.u32(8), nil)
}

func (in *instance) grpcArguments(a arguments) (*GRPCCall, bool) {
	target, good1 := in.text(a.u32(0), a.u32(1))
	service, good2 := in.text(a.u32(2), a.u32(3))
	method, good3 := in.text(a.u32(4), a.u32(5))
	metadata, good4 := in.view(a.u32(6), a.u32(7))
	return &GRPCCall{Target: target, Service: service, Method: method, Metadata: parsePairs(metadata)}, good1 && good2 && good3 && good4
}

// startGRPC begins a call of one message, or a stream. Calls have odd ids, streams even ones.
func (in *instance) startGRPC(c *GRPCCall, outID uint32, only *grpcMessage) uint32 {
	services := in.plugin.config.Services
	c.Single = only != nil
	switch {
	case services == nil || !services.KnowsTarget(c.Target):
		return uint32(parseFailure)
	case in.callsUnderWay() >= maxCalls:
		return uint32(internalFailure)
	case !in.put32(outID, 0):
		return uint32(invalidMemoryAccess)
	}
	in.lastCall++
	if odd := in.lastCall%2 == 1; odd != c.Single {
		in.lastCall++
	}
	id := in.lastCall
	in.write32(outID, id)
	ctx, cancel := context.WithCancel(context.Background())
	state := &grpcCallState{single: c.Single, cancel: cancel, out: make(chan grpcMessage, waitingMessages)}
	if only != nil {
		state.out <- *only
	}
	if in.calling.streams == nil {
		in.calling.streams = map[uint32]*grpcCallState{}
	}
	in.calling.streams[id] = state
	go in.runGRPC(ctx, id, state, services, c)
	return uint32(ok)
}

// runGRPC carries a call until its end.
func (in *instance) runGRPC(ctx context.Context, id uint32, state *grpcCallState, services Services, c *GRPCCall) {
	defer state.cancel()
	stream, err := guarded(func() (GRPCStream, error) { return services.GRPC(ctx, c) })
	if err != nil {
		in.fromOutside(func() { in.grpcClosed(id, GRPCEvent{Status: grpcUnavailable, StatusText: err.Error()}) })
		return
	}
	defer stream.Close()
	go sendGRPC(ctx, stream, state)
	for {
		event, err := guarded(stream.Recv)
		if err != nil {
			event = GRPCEvent{Closed: true, Status: grpcUnavailable, StatusText: err.Error()}
		}
		in.fromOutside(func() { in.grpcCame(id, event) })
		if event.Closed {
			return
		}
	}
}

func sendGRPC(ctx context.Context, stream GRPCStream, state *grpcCallState) {
	for {
		select {
		case m := <-state.out:
			_, err := guarded(func() (struct{}, error) { return struct{}{}, stream.Send(m.p, m.end) })
			if err != nil || m.end {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (in *instance) grpcCame(id uint32, e GRPCEvent) {
	state := in.calling.streams[id]
	switch {
	case state == nil:
	case e.Closed:
		in.grpcClosed(id, e)
	case e.Message != nil && state.single:
		state.answer = e.Message
	case e.Message != nil:
		in.received(id, e.Message)
	case !state.single:
		in.initial = e.Initial
		in.rootCall(onGRPCInitialMetadata, uint64(id), uint64(len(e.Initial)))
		in.initial = nil
	}
}

func (in *instance) grpcClosed(id uint32, e GRPCEvent) {
	state := in.calling.streams[id]
	if state == nil {
		return
	}
	if state.single && e.Status == 0 {
		if state.answer != nil {
			delete(in.calling.streams, id)
			in.statusCode, in.statusText = 0, ""
			in.received(id, state.answer)
			return
		}
		e.Status, e.StatusText = grpcInternal, "the call ended without an answer"
	}
	if !state.single {
		in.trailing = e.Trailing
		in.rootCall(onGRPCTrailingMetadata, uint64(id), uint64(len(e.Trailing)))
		in.trailing = nil
	}
	delete(in.calling.streams, id)
	in.statusCode, in.statusText = e.Status, e.StatusText
	in.rootCall(onGRPCClose, uint64(id), uint64(e.Status))
}

// received tells the guest of a message.
func (in *instance) received(id uint32, message []byte) {
	in.message = message
	in.rootCall(onGRPCReceive, uint64(id), uint64(len(message)))
	in.message = nil
}

func grpcSend(in *instance, a arguments) uint32 {
	message, good := in.text(a.u32(1), a.u32(2))
	state := in.calling.streams[a.u32(0)]
	switch {
	case !good:
		return uint32(invalidMemoryAccess)
	case a.u32(0)%2 == 1:
		return uint32(badArgument)
	case state == nil:
		return uint32(notFound)
	}
	return uint32(state.send(grpcMessage{[]byte(message), a.u32(3) != 0}))
}

func (c *grpcCallState) send(m grpcMessage) status {
	select {
	case c.out <- m:
		return ok
	default:
		return internalFailure
	}
}

// grpcCancel ends a call at once; the guest hears no more of it.
func grpcCancel(in *instance, a arguments) uint32 {
	state := in.calling.streams[a.u32(0)]
	if state == nil {
		return uint32(notFound)
	}
	delete(in.calling.streams, a.u32(0))
	state.cancel()
	return uint32(ok)
}

// grpcClose ends the sending side of a stream, and a call altogether.
func grpcClose(in *instance, a arguments) uint32 {
	state := in.calling.streams[a.u32(0)]
	switch {
	case state == nil:
		return uint32(notFound)
	case state.single:
		return grpcCancel(in, a)
	}
	return uint32(state.send(grpcMessage{nil, true}))
}
