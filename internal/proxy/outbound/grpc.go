package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/proto"

	"github.com/spillway-lb/spillway/internal/grpccode"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// destination is what a guest's target means: the name of an upstream, or Envoy's GrpcService that names one as its cluster.
type destination struct {
	upstream, authority string
	metadata            wasm.Pairs
}

func (s *services) destinationOf(text string) (d destination, ok bool) {
	if s.calls.permits(s, text) == nil {
		return destination{upstream: text, authority: text}, true
	}
	var g corev3.GrpcService
	if proto.Unmarshal([]byte(text), &g) != nil || g.GetEnvoyGrpc().GetClusterName() == "" {
		return destination{upstream: text}, false
	}
	d = destination{upstream: g.GetEnvoyGrpc().GetClusterName(), authority: g.GetEnvoyGrpc().GetAuthority()}
	if d.authority == "" {
		d.authority = d.upstream
	}
	for _, m := range g.GetInitialMetadata() {
		d.metadata = append(d.metadata, wasm.Pair{Name: m.GetKey(), Value: m.GetValue()})
	}
	return d, true
}

// KnowsTarget implements wasm.Services.
func (s *services) KnowsTarget(target string) bool {
	d, _ := s.destinationOf(target)
	return s.Knows(d.upstream)
}

// GRPC implements wasm.Services.
func (s *services) GRPC(ctx context.Context, c *wasm.GRPCCall) (wasm.GRPCStream, error) {
	s.calls.count(s, eventCall)
	d, _ := s.destinationOf(c.Target)
	stream, err := s.open(ctx, c, d)
	if err != nil {
		s.calls.tell(s, d.upstream, err)
		return nil, err
	}
	return stream, nil
}

func (s *services) open(ctx context.Context, c *wasm.GRPCCall, d destination) (*stream, error) {
	head, err := grpcHead(c, d)
	if err != nil {
		return nil, invalid{err}
	}
	r, to, err := s.calls.begin(ctx, s, d.upstream)
	if err != nil {
		return nil, err
	}
	limit := maxTime
	out := &stream{services: s, running: r, frames: frame.Reader{Limit: maxAnswer}, stop: func() bool { return true }}
	if c.Single {
		limit = limitOf(to.version, c.Timeout)
		timer := time.AfterFunc(limit, func() { r.cancel(context.DeadlineExceeded) })
		out.stop = timer.Stop
	}
	out.pipe, err = to.caller.OpenStream(r.ctx, &call.Opening{Version: to.version, Service: to.service, Request: head, Within: limit})
	if err != nil {
		err = out.because(err)
		out.stop()
		s.calls.leave(r)
		return nil, err
	}
	return out, nil
}

var grpcType = []byte("application/grpc")

// grpcHead makes the head of a call.
func grpcHead(c *wasm.GRPCCall, d destination) (*message.Request, error) {
	q := &message.Request{
		Method: []byte("POST"), Scheme: message.SchemeHTTP, Authority: []byte(d.authority), Path: []byte("/" + c.Service + "/" + c.Method),
		ContentLength: message.UnknownLength, Major: 2,
	}
	if err := checkHead(q); err != nil {
		return nil, err
	}
	q.Header.AddID(header.TE, []byte("trailers"))
	q.Header.AddID(header.ContentType, grpcType)
	if c.Timeout > 0 {
		q.Header.Add([]byte("grpc-timeout"), fmt.Appendf(nil, "%dm", c.Timeout.Milliseconds()))
	}
	for _, f := range append(d.metadata, c.Metadata...) {
		name := strings.ToLower(f.Name)
		if strings.HasPrefix(name, ":") || name == "host" || name == "content-type" || name == "te" || strings.HasPrefix(name, "grpc-") {
			continue // gRPC's own
		}
		if err := add(&q.Header, name, []byte(f.Value)); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// stream is a call under way (wasm.GRPCStream).
type stream struct {
	services *services
	running  *running
	pipe     *call.Stream
	frames   frame.Reader
	out      []byte
	stop     func() bool

	began, over bool
}

var _ wasm.GRPCStream = (*stream)(nil)

// Send implements wasm.GRPCStream.
func (s *stream) Send(p []byte, end bool) error {
	if p != nil {
		s.out = frame.Append(s.out[:0], p)
		if err := s.pipe.Send(s.out); err != nil {
			return err
		}
	}
	if !end {
		return nil
	}
	return s.pipe.CloseSend()
}

// Recv implements wasm.GRPCStream. Failures are an end with the status that gRPC has for them.
func (s *stream) Recv() (wasm.GRPCEvent, error) {
	if s.over {
		return wasm.GRPCEvent{}, io.EOF
	}
	e, err := s.next()
	if err != nil {
		err = s.because(err)
		e = wasm.GRPCEvent{Closed: true, Status: uint32(codeOf(err)), StatusText: err.Error()}
	}
	if e.Closed {
		s.over = true
		s.services.calls.tell(s.services, s.running.upstream, err)
	}
	return e, nil
}

func (s *stream) next() (wasm.GRPCEvent, error) {
	if !s.began {
		s.began = true
		res, err := s.pipe.Head()
		if err == nil {
			err = checkAnswer(res)
		}
		if err != nil {
			return wasm.GRPCEvent{}, err
		}
		return wasm.GRPCEvent{Initial: pairsOf(&res.Header)}, nil
	}
	p, err := s.frames.Next(s.pipe.Receive)
	switch {
	case err == io.EOF:
		return s.closed()
	case err != nil:
		return wasm.GRPCEvent{}, err
	}
	return wasm.GRPCEvent{Message: append([]byte{}, p...)}, nil
}

// closed reads how the peer ended the call.
func (s *stream) closed() (wasm.GRPCEvent, error) {
	trailers := s.pipe.Trailers()
	if trailers == nil {
		res, err := s.pipe.Head()
		if err != nil {
			return wasm.GRPCEvent{}, err
		}
		trailers = &res.Header
	}
	st, ok := frame.StatusOf(trailers)
	if !ok {
		return wasm.GRPCEvent{}, invalid{errors.New("the stream ended without a grpc-status")}
	}
	return wasm.GRPCEvent{Closed: true, Status: uint32(st.Code), StatusText: st.Message, Trailing: pairsOf(trailers)}, nil
}

// Close implements wasm.GRPCStream.
func (s *stream) Close() {
	s.stop()
	if !s.over {
		s.pipe.Cancel()
	}
	s.pipe.Close()
	s.services.calls.leave(s.running)
}

// because is an error, or what has cut the call.
func (s *stream) because(err error) error {
	if s.running.ctx.Err() == nil {
		return err
	}
	cause := context.Cause(s.running.ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return &call.Failure{Cause: call.Timeout, Err: errLate}
	}
	return &call.Failure{Cause: call.Canceled, Err: cause}
}

var errLate = errors.New("the call took longer than it may")

// checkAnswer says why the head of an answer is not gRPC's.
func checkAnswer(res *message.Response) error {
	if res.Status != 200 {
		return &call.Failure{Cause: call.Status, Status: res.Status, Err: fmt.Errorf("the answer has the status %d", res.Status)}
	}
	kind, _ := res.Header.Get(header.ContentType)
	if !frame.IsContentType(kind) {
		return invalid{fmt.Errorf("the answer is no gRPC: its content-type is %q", kind)}
	}
	return nil
}

// codeOf is what gRPC says of a failure.
func codeOf(err error) frame.Code {
	var large *frame.TooLargeError
	var f *call.Failure
	switch {
	case errors.As(err, &large):
		return frame.ResourceExhausted
	case !errors.As(err, &f):
		return frame.Internal
	}
	switch f.Cause {
	case call.Timeout:
		return frame.DeadlineExceeded
	case call.Canceled:
		return frame.Cancelled
	case call.Overflow:
		return frame.ResourceExhausted
	case call.Status:
		return grpccode.OfHTTP(f.Status)
	}
	return frame.Unavailable
}
