package callout

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestReopen: a stream that the callout has certainly not seen gives way to another, a few times.
func TestReopen(t *testing.T) {
	for refusals, passes := range map[int]bool{1: true, maxReopened: true, maxReopened + 1: false} {
		last := newMemory(answering{}.answer)
		r := newRun(t, &lbv1.Extension{Events: everyEvent}, extension.Traffic, last)
		var list []*memory
		r.filter.session.dial = func() (pipe, error) {
			if len(list) == refusals {
				return last, nil
			}
			m := newMemory(answering{}.answer)
			m.refused = true
			list = append(list, m)
			return m, nil
		}
		err := r.sendRequest(nil)
		if (err == nil) != passes || passes && len(last.requests) != 1 {
			t.Errorf("%d refusals: %v", refusals, err)
		}
		if passes && r.sendResponse(nil) != nil {
			t.Errorf("%d refusals: the answer fails", refusals)
		}
		r.end()
		for i, m := range list {
			if m.closed != 1 {
				t.Errorf("%d refusals: stream %d was closed %d times", refusals, i, m.closed)
			}
		}
	}
}

// TestRefusedAfterAChunk: a stream that nobody looks at, of which more than the head has gone, fails as failOpen says: nothing of
// the body is lost.
func TestRefusedAfterAChunk(t *testing.T) {
	for _, open := range []bool{false, true} {
		e := &lbv1.Extension{Events: everyEvent, RequestBodySendMode: lbv1.Extension_FULL_DUPLEX_STREAMED, FailOpen: open}
		m := newMemory(answering{}.answer)
		r := newRun(t, e, extension.Traffic, m)
		r.filter.session.dial = func() (pipe, error) {
			m := newMemory(answering{}.answer)
			m.refused = true
			return &late{memory: m}, nil
		}
		err := r.sendRequest(&source{pieces: []string{"a", "b", "c"}, ready: true})
		if (err == nil) != open {
			t.Errorf("failOpen %t: %v", open, err)
		}
		if open {
			if body, err := pull(r.request.Body); err != nil || body != "abc" {
				t.Errorf("the body is %q, %v", body, err)
			}
		}
		r.end()
	}
}

// late refuses its stream once a chunk has come.
type late struct{ *memory }

func (p *late) Head() (*message.Response, error) {
	p.mu.Lock()
	for len(p.requests) < 2 && !p.canceled {
		p.changed.Wait()
	}
	p.mu.Unlock()
	return p.memory.Head()
}
