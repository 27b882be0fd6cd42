package callout

import (
	"errors"
	"io"
	"sync"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/proto"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// pipe is the stream under a session: a *call.Stream.
type pipe interface {
	Send(p []byte) error
	Receive() ([]byte, error)
	Head() (*message.Response, error)
	Trailers() *header.Map
	Await(d time.Duration) call.Due
	Answered(call.Due)
	CloseSend() error
	Cancel()
	Close()
	Endpoint() string
}

const (
	// maxMessage is Google's limit of what a callout may answer at once, in bytes.
	maxMessage = 128 << 10
	// boxSoft stops what is sent in full duplex while so many bytes of answers wait to be taken, boxHard stops the reading
	// for the other side, too: beyond what a callout that answers as it reads can have on the way.
	boxSoft = 64 << 10
	boxHard = 1 << 20
)

// errFinished: the callout has ended the stream with OK and owes nothing. What is left passes as it is.
var errFinished = errors.New("callout: finished")

// session is one Process stream. Each side is used by one goroutine at a time, and sent on by one more in full duplex. Who
// waits for an answer reads for both: there is no goroutine of the session's own.
type session struct {
	dial    func() (pipe, error)
	timeout time.Duration

	sending sync.Mutex
	buf     []byte
	out     traffic

	frames frame.Reader // used by who reads
	began  bool
	in     traffic
	// reopened counts the streams that came in the place of another.
	reopened int

	guard *guard.Guard // of the goroutine that reads while others wait to send

	mu      sync.Mutex
	changed *sync.Cond
	pipe    pipe // nil before the first message; set while sending is held, too
	core    core
	reading bool
	// blocked are those who wait for sending; helper is closed when the goroutine has ended that reads meanwhile, nil without one.
	blocked int
	helper  chan struct{}
	// readSince is when who reads began to wait for a message.
	readSince time.Time
	boxes     [2]box
	broken    bool  // nothing more can be sent
	end       error // why no more answers come
}

// traffic counts.
type traffic struct{ messages, bytes int64 }

// box holds what has come for a side.
type box struct {
	answers []answer
	bytes   int
	waiting bool // somebody waits
	armed   bool // and the time for it runs
	due     call.Due
	leaving bool // a message is being sent: the time for its answer begins when it has gone
}

func newSession(dial func() (pipe, error), timeout time.Duration, c core) *session {
	s := &session{dial: dial, timeout: timeout, core: c, frames: frame.Reader{Limit: maxMessage}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// send sends a message: p of a side, which encode appends. An error says why no more answers come; one of the sending
// itself shows where its answer is awaited, which knows the reason.
func (s *session) send(side side, p part, last bool, encode func(dst []byte, first bool) []byte) error {
	s.acquire()
	defer s.sending.Unlock()
	first := s.pipe == nil
	if err := s.begin(); err != nil {
		return err
	}
	if s.over(side) {
		return nil
	}
	s.buf = frame.End(encode(frame.Begin(s.buf[:0]), first), 0)
	s.out.messages++
	s.out.bytes += int64(len(s.buf))
	s.mu.Lock()
	s.core.note(side, p, last)
	s.boxes[side].leaving = true
	timed := !s.core.sides[side].duplex || first && p == head // there is nothing to read yet that could hold the callout up
	s.mu.Unlock()
	err := s.pass(timed)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[side].leaving = false
	if err != nil {
		s.broken = true // what is awaited shows the reason, and soon
	}
	s.arm(side)
	return nil
}

// helpAfter is how long a message of the other side may be on its way before its answers are read for it.
const helpAfter = 5 * time.Millisecond

// acquire takes sending. In full duplex a message may be stuck because the callout does not read before its answers are taken, and
// nobody takes them because the backend does not read either: then they are read here.
func (s *session) acquire() {
	if s.sending.TryLock() {
		return
	}
	s.block(1)
	t := time.AfterFunc(helpAfter, s.help)
	s.sending.Lock()
	t.Stop()
	s.block(-1)
}

func (s *session) block(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked += n
	s.changed.Broadcast()
}

// help reads while somebody waits for sending, in a goroutine of its own.
func (s *session) help() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.helper != nil || s.end != nil {
		return
	}
	done := make(chan struct{})
	s.helper = done
	defer func() {
		if s.helper = nil; s.end != nil {
			s.helper = done // whoever ends the session may want to know
		}
		close(done)
		s.changed.Broadcast()
	}()
	defer s.guard.Recover("callout", func() {
		if s.end == nil {
			s.stop(errPanicked)
		}
	})
	for s.blocked > 0 && s.end == nil {
		if s.pipe == nil || s.reading || max(s.boxes[request].bytes, s.boxes[response].bytes) > boxHard {
			s.changed.Wait()
			continue
		}
		s.read()
	}
}

// helped returns when nobody reads to help, after the session has ended.
func (s *session) helped(p pipe) {
	s.mu.Lock()
	done := s.helper
	s.mu.Unlock()
	if done == nil {
		return
	}
	select {
	case <-done:
	default:
		p.Cancel()
		<-done
	}
}

// pass gives what is in buf to the stream. sending is held. In full duplex a callout need not read while nobody reads from it.
func (s *session) pass(timed bool) error {
	if timed {
		defer s.pipe.Answered(s.pipe.Await(s.timeout))
		return s.pipe.Send(s.buf)
	}
	sent := make(chan struct{})
	defer close(sent)
	began := time.Now()
	t := time.AfterFunc(s.timeout, func() { s.expire(began, sent) })
	defer t.Stop()
	return s.pipe.Send(s.buf)
}

// expire fails the session if a message has not been taken for the timeout, in which its answers were read and none came.
func (s *session) expire(began time.Time, sent <-chan struct{}) {
	for {
		left := s.patience(began)
		if left <= 0 {
			break
		}
		select {
		case <-sent:
			return
		case <-time.After(left):
		}
	}
	select {
	case <-sent:
	default:
		s.fail(&Failure{Cause: Cause(call.Timeout), Status: frame.Status{Code: frame.DeadlineExceeded, Message: errStalled.Error()}, Err: errStalled})
	}
}

// patience is how much longer a message that is being sent since began may take.
func (s *session) patience(began time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reading {
		return s.timeout
	}
	if s.readSince.After(began) {
		began = s.readSince
	}
	return s.timeout - time.Since(began)
}

var errStalled = errors.New("the callout does not read what it is sent")

// over reports whether the callout has ended a side: it is told no more of it.
func (s *session) over(side side) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.core.sides[side].ended
}

// begin opens the stream, if it is not open. sending is held.
func (s *session) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pipe != nil || s.end != nil {
		return s.end
	}
	p, err := s.unlocked()
	switch {
	case err != nil && s.end == nil:
		s.end = err
	case err == nil:
		s.pipe = p
	}
	s.changed.Broadcast()
	return s.end
}

// unlocked opens the stream without mu, which is held.
func (s *session) unlocked() (pipe, error) {
	s.mu.Unlock()
	defer s.mu.Lock()
	return s.dial()
}

// arm starts the time of an answer that somebody waits for and that cannot be put off. mu is held.
func (s *session) arm(side side) {
	if b := &s.boxes[side]; b.waiting && !b.armed && !b.leaving && (s.broken || s.core.late(side)) {
		b.armed = true
		b.due = s.pipe.Await(s.timeout)
	}
}

// disarm ends it. mu is held.
func (s *session) disarm(side side) {
	if b := &s.boxes[side]; b.armed {
		b.armed = false
		s.pipe.Answered(b.due)
	}
}

// await waits for the next answer of a side.
func (s *session) await(side side) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.boxes[side]
	b.waiting = true
	defer func() {
		b.waiting = false
		s.disarm(side)
	}()
	for {
		switch {
		case len(b.answers) > 0:
			return s.pop(b), nil
		case s.end != nil:
			return answer{}, s.end
		}
		s.arm(side)
		if s.pipe == nil || s.reading || s.boxes[1-side].bytes > boxHard {
			s.changed.Wait()
			continue
		}
		s.read()
	}
}

// pop takes the oldest answer. mu is held.
func (s *session) pop(b *box) answer {
	a := b.answers[0]
	b.answers = append(b.answers[:0], b.answers[1:]...)
	b.bytes -= len(a.piece)
	s.changed.Broadcast()
	return a
}

// room waits until a side takes more in full duplex. false: nothing more is to be sent.
func (s *session) room(side side) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.end == nil && !s.core.sides[side].ended && s.boxes[side].bytes > boxSoft {
		s.changed.Wait()
	}
	return s.end == nil && !s.core.sides[side].ended
}

// read reads one message and puts it where it belongs. mu is held, but not while it waits.
func (s *session) read() {
	s.reading, s.readSince = true, time.Now()
	whole := false
	defer func() {
		if !whole && s.end == nil {
			s.end = errPanicked
		}
		s.reading = false
		s.changed.Broadcast()
	}()
	msg, err := s.next()
	switch {
	case s.end != nil:
	case err != nil:
		s.stop(err)
	default:
		s.deliver(msg)
	}
	whole = true
}

// next waits for a message without mu, which is held.
func (s *session) next() ([]byte, error) {
	s.mu.Unlock()
	defer s.mu.Lock()
	return s.receive()
}

// errPanicked: who read for both sides has panicked.
var errPanicked = errors.New("callout: the reading of an answer panicked")

// receive waits for the next message. io.EOF is a good end.
func (s *session) receive() ([]byte, error) {
	for !s.began {
		res, err := s.pipe.Head()
		if err != nil && s.reopen(err) {
			continue
		}
		if err != nil {
			return nil, failureOf(err)
		}
		if err := checkHead(res); err != nil {
			return nil, err
		}
		s.began = true
	}
	msg, err := s.frames.Next(s.pipe.Receive)
	switch {
	case err == nil:
		s.in.messages++
		s.in.bytes += int64(len(msg)) + frame.PrefixLength
		return msg, nil
	case err == io.EOF:
		return nil, s.status()
	}
	return nil, failureOf(err)
}

// maxReopened streams are opened in place of ones that nobody has looked at.
const maxReopened = 2

// reopen opens another stream if the callout has certainly not seen this one, and the only message is at hand. Who reads calls
// it, without mu.
func (s *session) reopen(err error) bool {
	var f *call.Failure
	if !errors.As(err, &f) || !f.Unseen || s.reopened == maxReopened || !s.sending.TryLock() {
		return false
	}
	defer s.sending.Unlock()
	if s.out.messages != 1 {
		return false
	}
	s.reopened++
	p, err := s.dial()
	if err != nil || !s.swap(p) {
		return false
	}
	err = s.pass(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err != nil
	s.arm(request)
	s.arm(response)
	return true
}

// swap puts another stream in the place of the one there is. false: the session has ended, and so has the stream. sending is
// held.
func (s *session) swap(p pipe) bool {
	s.mu.Lock()
	old := s.pipe
	ended := s.end != nil
	if ended {
		old = p
	} else {
		s.pipe = p
		for i := range s.boxes {
			s.boxes[i].armed = false
		}
	}
	s.mu.Unlock()
	old.Close()
	return !ended
}

// status is how the callout ended the stream: io.EOF if it means well.
func (s *session) status() error {
	st, ok := frame.StatusOf(s.pipe.Trailers())
	if !ok {
		if res, err := s.pipe.Head(); err == nil {
			st, ok = frame.StatusOf(&res.Header)
		}
	}
	switch {
	case !ok:
		return protocolFailure(errors.New("the stream ended without a grpc-status"))
	case st.Code == frame.OK:
		return io.EOF
	}
	return &Failure{Cause: CauseGRPC, Status: st}
}

// stop ends the session because of an error. mu is held.
func (s *session) stop(err error) {
	if err == io.EOF {
		if err = s.core.finish(); err == nil {
			s.end = errFinished
			return
		}
		err = protocolFailure(err)
	}
	s.end = err
	if s.pipe != nil {
		s.pipe.Cancel()
	}
}

// deliver takes a message. mu is held.
func (s *session) deliver(msg []byte) {
	var r extprocv3.ProcessingResponse
	if err := proto.Unmarshal(msg, &r); err != nil {
		s.stop(protocolFailure(err))
		return
	}
	a, err := s.core.take(&r)
	switch {
	case err != nil:
		s.stop(protocolFailure(err))
		return
	case a.immediate != nil:
		s.end = reply(a.immediate)
		return
	case a.nothing:
		return
	}
	a.metadata = r.GetDynamicMetadata()
	b := &s.boxes[a.side]
	b.answers = append(b.answers, a)
	b.bytes += len(a.piece)
	s.disarm(a.side)
}

// fail ends the session from outside.
func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.stop(err)
	}
	s.changed.Broadcast()
}

// wants reports whether a part of a side is to be sent.
func (s *session) wants(side side, p part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.core.sides[side]
	switch p {
	case head:
		return c.head
	case chunk:
		return c.body
	}
	return c.tail
}

// errLeft: the exchange is over.
var errLeft = errors.New("callout: the exchange is over")

// leave ends the session with its exchange. It returns the stream, if there is one, to be closed, and why the session had
// ended before; errLeft if it had not and the callout owed something. Nobody awaits anything any more.
func (s *session) leave() (pipe, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.end
	if err == nil {
		if s.end = errLeft; s.core.finish() != nil {
			err = errLeft
		}
	}
	s.changed.Broadcast()
	return s.pipe, err
}
