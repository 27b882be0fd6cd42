package call

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Opening is what a stream begins with.
type Opening struct {
	// Version is the backend service; Service is what calls made of it. It must speak HTTP/2.
	Version *balance.Service
	Service *Service
	// Request is the head. A body it may have is not looked at. Nothing of it is used after OpenStream.
	Request *message.Request
	// Client is for affinity. It may be zero.
	Client netip.AddrPort
	// Within bounds the wait for a connection, however many endpoints are tried; 0 leaves it to the connections' own time.
	Within time.Duration
}

// Stream is a call whose bytes go both ways for as long as it lives. Send may be called while Receive waits, and the other
// way round. Cancel may be called from any goroutine at any time. Every error is a *Failure, but io.EOF.
//
// A stream has no deadline. Each message has its own: Await says that the peer owes an answer, Answered that one has come.
type Stream struct {
	caller  *Caller
	version *balance.Service
	call    Call
	answer  upstream.Answer
	unwatch func() bool // ends the context's hold
	// endpoint is the one that was tried last.
	endpoint string

	sending  sync.Mutex // held by who sends
	sent     bool       // our direction has ended
	receives sync.Mutex // held by who receives
	headRead bool
	received bool // the peer's direction has ended

	mu       sync.Mutex
	under    upstream.Stream // to be interrupted; nil before, between attempts, and after
	canceled bool
	closed   bool
	failed   bool
	owed     []Due // answers that are due
	awaited  uint64
}

// Due is an answer that is awaited.
type Due struct {
	at int64 // in the clock's time
	id uint64
}

// maxEndpoints are tried while no connection can be made.
const maxEndpoints = 3

// OpenStream chooses an endpoint, takes a connection, and sends the head; with the first message, if that follows at once.
// Endpoints that cannot be connected to, and connections that refuse the stream, give way to others. ctx bounds the whole
// life of the stream: when it is done, the stream is cancelled.
func (c *Caller) OpenStream(ctx context.Context, o *Opening) (*Stream, error) {
	if !o.Service.http2 {
		return nil, &Failure{Cause: Protocol, Err: errNotHTTP2}
	}
	if !o.Version.TryAcquire(balance.Requests) {
		o.Service.Counts.Overflows.Inc()
		return nil, &Failure{Cause: Overflow, Err: upstream.ErrOverflow}
	}
	s := &Stream{caller: c, version: o.Version}
	s.call.Service = o.Service
	s.unwatch = context.AfterFunc(ctx, s.Cancel)
	if err := s.open(ctx, o); err != nil {
		f := s.failure(err)
		if ctx.Err() != nil {
			f.Cause = Canceled
		}
		s.release()
		return nil, f
	}
	return s, nil
}

// open tries endpoints until one takes the head.
func (s *Stream) open(ctx context.Context, o *Opening) error {
	now := time.Now()
	in := balance.PickInput{
		Request: o.Request, ClientIP: o.Client.Addr(), ClientPort: o.Client.Port(), Now: s.caller.Since(now), Wall: now.Unix(),
	}
	if o.Within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Within)
		defer cancel()
	}
	return s.caller.connect(ctx, &s.call, o.Version, &in, &opening{s, o.Request}, func(e *balance.Endpoint) { s.endpoint = e.Address })
}

// connect tries endpoints until one takes what is sent. chosen is told of each.
func (c *Caller) connect(ctx context.Context, to *Call, v *balance.Service, in *balance.PickInput, sender Sender, chosen func(*balance.Endpoint)) error {
	waiting := func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	for {
		if err := to.Choose(v, in); err != nil {
			return err
		}
		chosen(to.Endpoint)
		err := c.Open(to, sender, waiting, v)
		e := to.Endpoint
		f := ConnectFailure(err)
		if f == nil || ctx.Err() != nil {
			return err
		}
		c.observe(to.Service, e, f)
		in.Tried = append(in.Tried, e)
		if len(in.Tried) == maxEndpoints || slices.Contains(in.Tried[:len(in.Tried)-1], e) {
			return err
		}
		to.Close()
	}
}

// observe tells outlier detection of a connection that could not be made.
func (c *Caller) observe(s *Service, e *balance.Endpoint, f *upstream.ConnectError) {
	if ownFault(f) {
		return
	}
	s.Counts.ConnectFailures.Inc()
	switch e.Observe(balance.ConnectFailure, c.Now()) {
	case balance.Ejected:
		s.Counts.Ejections.Inc()
	case balance.EjectionRefused:
		s.Counts.EjectionsRefused.Inc()
	}
}

// opening sends the head of a stream (Sender).
type opening struct {
	s   *Stream
	req *message.Request
}

// Send implements Sender.
func (o *opening) Send(u upstream.Stream) error {
	if !o.s.attach(u) {
		return transport.ErrTimeout
	}
	return u.SendHead(o.req)
}

// Resend implements Sender.
func (o *opening) Resend() bool {
	o.s.detach()
	o.s.call.CloseStream()
	return true
}

// attach makes u the stream to interrupt. false: the stream has been cancelled.
func (s *Stream) attach(u upstream.Stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under = u
	return !s.canceled
}

func (s *Stream) detach() {
	s.mu.Lock()
	s.under = nil
	s.mu.Unlock()
}

// Endpoint is where the stream goes: IP:port.
func (s *Stream) Endpoint() string { return s.endpoint }

// Send sends bytes, which may be used again when it returns. It waits while the peer takes none.
func (s *Stream) Send(p []byte) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	u, err := s.use()
	if err != nil {
		return err
	}
	if s.sent {
		return &Failure{Cause: Protocol, Err: errSendEnded}
	}
	if err := u.SendData(p); err != nil {
		return s.failure(err)
	}
	return nil
}

// CloseSend ends our direction.
func (s *Stream) CloseSend() error {
	s.sending.Lock()
	defer s.sending.Unlock()
	u, err := s.use()
	if err != nil || s.sent {
		return err
	}
	s.sent = true
	if err := u.SendEnd(nil); err != nil {
		return s.failure(err)
	}
	return nil
}

// Head waits for the head of the answer. Its status may be any.
func (s *Stream) Head() (*message.Response, error) {
	s.receives.Lock()
	defer s.receives.Unlock()
	if err := s.head(); err != nil {
		return nil, err
	}
	return &s.answer.Response, nil
}

// head reads the head of the answer, once. receives is held.
func (s *Stream) head() error {
	u, err := s.use()
	if err != nil || s.headRead {
		return err
	}
	if err := u.ReadHead(noRequest, &s.answer); err != nil {
		return s.failure(err)
	}
	s.headRead = true
	return nil
}

// noRequest is what reading the head of a stream's answer needs to know of its request.
var noRequest = &message.Request{}

// Receive waits for the next bytes, which are good until it is called again, or Close is. Where they begin and end is
// HTTP/2's business, not the messages'. io.EOF is the peer's end. A status other than 200 is a Failure.
func (s *Stream) Receive() ([]byte, error) {
	s.receives.Lock()
	defer s.receives.Unlock()
	if err := s.head(); err != nil {
		return nil, err
	}
	res := &s.answer.Response
	switch {
	case res.Status != 200:
		return nil, s.fail(&Failure{Cause: Status, Status: res.Status, Err: errStatus(res.Status)})
	case res.Body == nil || s.received:
		s.received = true
		return nil, io.EOF
	}
	p, err := res.Body.Next()
	if err == io.EOF {
		s.received = true
		return nil, io.EOF
	}
	if err != nil {
		return nil, s.failure(err)
	}
	return p, nil
}

// Trailers are good after Receive has said io.EOF, until Close; nil without any. What ends with its head has them there.
func (s *Stream) Trailers() *header.Map {
	s.receives.Lock()
	defer s.receives.Unlock()
	if _, err := s.use(); err != nil || !s.received || s.answer.Response.Body == nil {
		return nil
	}
	return s.answer.Response.Body.Trailers()
}

// Await says that the peer owes an answer, within d from now; Answered ends that. What waits when an answer is overdue fails
// with Timeout, and the stream with it. Expiry has the grain of the clock (transport.Tick). d must be more than 0.
func (s *Stream) Await(d time.Duration) Due {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaited++
	due := Due{at: s.caller.Clock.In(d), id: s.awaited}
	s.owed = append(s.owed, due)
	s.arm()
	return due
}

// Answered says that an answer has come that Await spoke of. The others stay due when they were.
func (s *Stream) Answered(d Due) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.owed, d); i >= 0 {
		s.owed = slices.Delete(s.owed, i, i+1)
		s.arm()
	}
}

// arm sets the deadline of the answer that is due first. mu is held.
func (s *Stream) arm() {
	switch {
	case s.under == nil:
	case len(s.owed) == 0:
		s.under.Arm(0)
	default:
		s.under.Arm(slices.MinFunc(s.owed, func(a, b Due) int { return cmp.Compare(a.at, b.at) }).at)
	}
}

// Cancel makes every wait fail, now and from now on.
func (s *Stream) Cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.canceled = true
	if s.under != nil {
		s.under.Interrupt()
	}
}

// use is the stream under this one, unless it has been closed.
func (s *Stream) use() (upstream.Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, &Failure{Cause: Canceled, Err: errClosed}
	case s.canceled:
		return nil, &Failure{Cause: Canceled, Err: errCanceled}
	}
	return s.under, nil
}

// fail marks the stream as broken.
func (s *Stream) fail(f *Failure) *Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = true
	return f
}

var (
	errClosed    = errors.New("the stream has been closed")
	errCanceled  = errors.New("the stream has been cancelled")
	errSendEnded = errors.New("sent after the end")
	errNotHTTP2  = errors.New("the backend service does not speak HTTP/2")
)
