package http2

import (
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// gate is a connection whose writes can be made to wait, and to end as a test says.
type gate struct {
	net.Conn
	mu      sync.Mutex
	shut    bool
	waiting chan struct{} // gets one for each write that waits
	outcome chan outcomeOfWrite
}

type outcomeOfWrite struct {
	n   int
	err error
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if !shut {
		return g.Conn.Write(p)
	}
	g.waiting <- struct{}{}
	o := <-g.outcome
	return o.n, o.err
}

func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
}

// awaitWritten returns when nothing waits to be written.
func awaitWritten(o *output) {
	for written := false; !written; runtime.Gosched() {
		o.mu.Lock()
		written = !o.writing && len(o.buf) == 0
		o.mu.Unlock()
	}
}

// TestWhatHasNotLeftIsUnprocessed: when a connection fails, streams whose heads have not left may be opened elsewhere, whatever
// their method; those whose heads may have left, in part, may not.
func TestWhatHasNotLeftIsUnprocessed(t *testing.T) {
	const first, second, third = 0, 1, 2
	for name, c := range map[string]struct {
		n         int // of the second head's bytes leave
		peerFirst bool
		retryable [3]bool
	}{
		"a write that fails":           {0, false, [...]bool{first: false, second: true, third: true}},
		"a write that fails in part":   {1, false, [...]bool{first: false, second: false, third: true}},
		"a peer that leaves meanwhile": {0, true, [...]bool{first: false, second: false, third: true}},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			peerGone := make(chan struct{})
			go func() {
				defer close(peerGone)
				_, _ = io.Copy(io.Discard, there)
			}()
			g := &gate{Conn: here, waiting: make(chan struct{}, 8), outcome: make(chan outcomeOfWrite, 8)}
			cc := NewClientConn(g, &ClientConfig{})
			open := func() *ClientStream {
				cs, err := cc.Open(request("POST", "a.example", "/"), false)
				if err != nil {
					t.Fatal(err)
				}
				return cs
			}
			streams := []*ClientStream{open(), nil, nil}
			streams[first].Flush()
			awaitWritten(&cc.out) // whoever writes the preface may have the head with it
			g.close()
			streams[second] = open()
			flushed := make(chan struct{})
			go func() {
				defer close(flushed)
				streams[second].Flush()
			}()
			<-g.waiting
			streams[third] = open()
			if c.peerFirst {
				_ = there.Close()
				<-streams[first].Done()
			}
			g.outcome <- outcomeOfWrite{c.n, syscall.EPIPE}
			<-flushed
			if !c.peerFirst {
				if _, err := cc.Open(request("POST", "a.example", "/"), false); !IsRetryable(err) {
					t.Errorf("opened after the failure: %v", err)
				}
				<-streams[third].Done()
				_ = there.Close() // which the reader awaits
			}
			for i, cs := range streams {
				<-cs.Done()
				if err := cs.sendable(); IsRetryable(err) != c.retryable[i] {
					t.Errorf("stream %d: %v, retryable %v", i, err, IsRetryable(err))
				}
				cs.Close()
			}
			_ = cc.Close()
			<-cc.Done()
			<-peerGone
			if len(g.waiting) > 0 {
				t.Error("what was given up has left after all")
			}
		})
	}
}

// TestAWriteThatFailsIsNobodyElses: what ends with its first request has not ended because of others.
func TestAWriteThatFailsIsNobodyElses(t *testing.T) {
	here, there := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, there) }()
	g := &gate{Conn: here, waiting: make(chan struct{}, 8), outcome: make(chan outcomeOfWrite, 8)}
	cc := NewClientConn(g, &ClientConfig{})
	g.close()
	g.outcome <- outcomeOfWrite{1, syscall.EPIPE}
	cs, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, cc.GoingAway)
	_ = there.Close()
	<-cs.Done()
	if cc.Shared() {
		t.Error("it counts as shared")
	}
	cs.Close()
	<-cc.Done()
}

// TestARefusalOfTheOnlyStreamEndsAConnection: what is sent again goes elsewhere, for the server may be about to leave.
func TestARefusalOfTheOnlyStreamEndsAConnection(t *testing.T) {
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		_ = p.fr.WriteRSTStream(p.awaitHeaders(), xhttp2.ErrCodeRefusedStream)
		p.until(closed)
	})
	if a := roundTrip(cc, request("GET", "a.example", "/")); !IsRetryable(a.err) {
		t.Errorf("refused: %v", a.err)
	}
	if n := cc.Available(); n != 0 {
		t.Errorf("it takes %d streams more", n)
	}
	<-cc.Done()
}
