package callout

import (
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// stuck is a callout that reads the head alone.
type stuck struct {
	*memory
	blocked chan struct{} // closed when it is sent more
	once    sync.Once
}

func (p *stuck) Send(b []byte) error {
	p.mu.Lock()
	first := len(p.requests) == 0
	p.mu.Unlock()
	if first {
		return p.memory.Send(b)
	}
	p.once.Do(func() { close(p.blocked) })
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.canceled {
		p.changed.Wait()
	}
	return &call.Failure{Cause: call.Canceled, Err: errors.New("cancelled")}
}

// TestCalloutThatDoesNotRead: in full duplex what a callout does not take while its answers are read has a time, and what waits
// behind it.
func TestCalloutThatDoesNotRead(t *testing.T) {
	e := &lbv1.Extension{Events: everyEvent, RequestBodySendMode: lbv1.Extension_FULL_DUPLEX_STREAMED, Timeout: durationpb.New(time.Second)}
	m := newMemory(answering{}.answer)
	p := &stuck{memory: m, blocked: make(chan struct{})}
	r := newRun(t, e, extension.Traffic, m)
	r.filter.session.dial = func() (pipe, error) { return p, nil }
	if err := r.sendRequest(&source{pieces: []string{"x"}, ready: true}); err != nil {
		t.Fatal(err)
	}
	<-p.blocked
	pulled := make(chan error, 1)
	go func() {
		_, err := pull(r.request.Body)
		pulled <- err
	}()
	if err := r.sendResponse(nil); err == nil {
		t.Error("the answer's headers passed")
	}
	if err := <-pulled; err == nil {
		t.Error("the body passed")
	}
	r.end()
	if r.x.counts["cause_timeout"] != 1 || r.x.counts["failed_closed"] != 1 {
		t.Errorf("%v", r.x.counts)
	}
}

// TestNobodyReads: neither the callout, what it is sent, nor the backend, what the callout answered. The head of the answer waits
// no longer than for any answer.
func TestNobodyReads(t *testing.T) {
	e := &lbv1.Extension{Events: everyEvent, RequestBodySendMode: lbv1.Extension_FULL_DUPLEX_STREAMED, Timeout: durationpb.New(time.Second)}
	m := newMemory(answering{}.answer)
	p := &stuck{memory: m, blocked: make(chan struct{})}
	r := newRun(t, e, extension.Traffic, m)
	r.filter.session.dial = func() (pipe, error) { return p, nil }
	if err := r.sendRequest(&source{pieces: []string{"x"}, ready: true}); err != nil {
		t.Fatal(err)
	}
	<-p.blocked
	if err := r.sendResponse(nil); err == nil {
		t.Error("the answer's headers passed")
	}
	r.end()
	if r.x.counts["cause_timeout"] != 1 || r.x.counts["failed_closed"] != 1 {
		t.Errorf("%v", r.x.counts)
	}
}

// pressed is a callout that reads no chunk before the answers that it has given are taken.
type pressed struct{ *memory }

func (p pressed) Send(b []byte) error {
	p.mu.Lock()
	for len(p.requests) > 0 && len(p.out) > 0 && !p.canceled {
		p.changed.Wait()
	}
	p.mu.Unlock()
	return p.memory.Send(b)
}

func (p pressed) Receive() ([]byte, error) {
	b, err := p.memory.Receive()
	p.changed.Broadcast()
	return b, err
}

// TestAnswersAreReadForWhoWaits: the head of an answer gets through while the backend does not read the request that the callout
// answers as it comes.
func TestAnswersAreReadForWhoWaits(t *testing.T) {
	e := &lbv1.Extension{Events: everyEvent, RequestBodySendMode: lbv1.Extension_FULL_DUPLEX_STREAMED, Timeout: durationpb.New(10 * time.Second)}
	m := newMemory(answering{body: upper(true)}.answer)
	r := newRun(t, e, extension.Traffic, m)
	r.filter.session.dial = func() (pipe, error) { return pressed{m}, nil }
	if err := r.sendRequest(&source{pieces: []string{"a", "b", "c", "d"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.sendResponse(nil); err != nil {
		t.Errorf("the answer's headers: %v", err)
	}
	if body, err := pull(r.request.Body); err != nil || body != "ABCD" {
		t.Errorf("the request's body is %q, %v", body, err)
	}
	r.end()
}
