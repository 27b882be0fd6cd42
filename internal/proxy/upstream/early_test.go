package upstream

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// slammed is the connection of a backend that has said something, and has closed before it had read all.
type slammed struct {
	net.Conn
	said *strings.Reader
}

func (c *slammed) Read(p []byte) (int, error) {
	if c.said.Len() == 0 {
		return 0, syscall.ECONNRESET
	}
	return c.said.Read(p)
}

func (c *slammed) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// TestAnswersBehindAWriteThatFails: what a backend has said before it closed counts, and its connection does not go back.
func TestAnswersBehindAWriteThatFails(t *testing.T) {
	for said, want := range map[string]struct {
		err    error
		status int
	}{
		"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno": {nil, 413},
		"HTTP/1.1 4": {ErrCutShort, 0},
		"":           {ErrNoAnswer, 0},
	} {
		pools, p := newPool(t, "127.0.0.1:1")
		here, there := net.Pipe()
		defer func() { _, _ = here.Close(), there.Close() }()
		b := &budget{used: 1, max: 1}
		c := &conn1{Conn: transport.NewConn(&slammed{here, strings.NewReader(said)}, pools.Clock), pool: p, budget: b, used: true}
		c.begin()
		var a Answer
		err := c.RoundTrip(&message.Request{Method: []byte("POST"), Path: []byte("/"), Authority: []byte("a"), ContentLength: 4}, []byte("body"), &a)
		if !errors.Is(err, want.err) || a.Response.Status != want.status {
			t.Errorf("%q: %v, status %d", said, err, a.Response.Status)
		}
		if err == nil {
			if p, err := a.Response.Body.Next(); string(p) != "no" || err != nil && err != io.EOF {
				t.Errorf("%q %v", p, err)
			}
			a.Response.Body.Close()
		}
		c.Close()
		if p.Idle() != 0 || b.inUse() != 0 {
			t.Errorf("%q: %d idle, %d counted", said, p.Idle(), b.inUse())
		}
	}
}
