package http2

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// pacer is a client's end of a connection that reads as fast as it can until little is left, and then slowly.
type pacer struct {
	net.Conn
	fast  int // bytes
	in    *bufio.Reader
	piece int
	pause time.Duration
}

func (p *pacer) Read(b []byte) (int, error) {
	if p.fast > 0 {
		n, err := p.in.Read(b)
		p.fast -= n
		return n, err
	}
	if p.in.Buffered() == 0 {
		time.Sleep(p.pause)
		p.in = bufio.NewReaderSize(p.Conn, p.piece)
	}
	return p.in.Read(b)
}

// TestDrainLeavesNoTail: large answers that are under way when a drain begins reach a slow reader whole, though the last
// bytes of both lie in buffers, ours and the system's, for longer than a goodbye takes, and though it sends meanwhile.
func TestDrainLeavesNoTail(t *testing.T) {
	const size = 64 << 20
	started := make(chan struct{}, 2)
	sc, nc, ended := serveOne(t, &ServerConfig{}, func(st *ServerStream) {
		_ = st.WriteHead(200, nil, false)
		started <- struct{}{}
		chunk := make([]byte, 256<<10)
		for n := 0; n < size; n += len(chunk) {
			if st.WriteData(chunk, n+len(chunk) == size) != nil {
				return
			}
		}
	})
	if err := nc.(*net.TCPConn).SetReadBuffer(128 << 10); err != nil {
		t.Fatal(err)
	}
	p := newRawPeer(t, &pacer{nc, 2*size - 3<<20, bufio.NewReaderSize(nc, 1<<20), 64 << 10, lingerTime / 10})
	_ = nc.SetDeadline(time.Now().Add(2 * time.Minute))
	p.must(p.write([]byte(preface)))
	p.must(p.fr.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1}))
	p.must(p.fr.WriteWindowUpdate(0, 1<<31-1-65535))
	p.must(p.headers(1, true, get()...))
	p.must(p.headers(3, true, get()...))
	<-started
	<-started
	sc.Shutdown()
	o := p.until(func(o *outcome) bool {
		n := o.data[1] + o.data[3]
		if n > 2*size-2<<20 && n%(1<<20) < 16<<10 {
			_ = p.fr.WriteWindowUpdate(0, 1) // as clients do that count what they take
		}
		return false
	})
	for _, id := range []uint32{1, 3} {
		if o.data[id] != size || !o.ended[id] {
			t.Errorf("stream %d: %d bytes of %d, ended %v", id, o.data[id], size, o.ended[id])
		}
	}
	_ = nc.Close()
	<-ended
}

// await waits for a condition.
func await(t *testing.T, met func() bool) {
	t.Helper()
	for range 20000 {
		if met() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("it does not come")
}

// stalled is a connection whose peer has stopped reading until it is let go.
type stalled struct {
	net.Conn
	mu      sync.Mutex
	hold    chan struct{}
	written bytes.Buffer
}

func (s *stalled) Write(p []byte) (int, error) {
	<-s.hold
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.Write(p)
}

// TestStreamLeavesAfterItsEnd: while a last frame waits for room in the buffer, its stream is under way: a drain does not
// end the connection under it.
func TestStreamLeavesAfterItsEnd(t *testing.T) {
	client, server := net.Pipe()
	t.Cleanup(func() { _ = client.Close() })
	nc := &stalled{Conn: server, hold: make(chan struct{})}
	finished := make(chan error, 1)
	sc := NewServerConn(nc, &ServerConfig{})
	sc.Unread([]byte(preface))
	ended := make(chan error, 1)
	go func() {
		ended <- sc.Serve(func(st *ServerStream) {
			_ = st.WriteHead(200, nil, false)
			finished <- st.WriteData(make([]byte, waitAt), false)
			finished <- st.WriteData([]byte("end"), true)
		})
	}()
	p := newRawPeer(t, client)
	p.must(p.fr.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20}))
	p.must(p.fr.WriteWindowUpdate(0, 1<<20))
	// The handler fills the buffer behind a write that is stuck; then it waits for room with its last frame.
	await(t, func() bool { return sc.out.since.Load() != 0 })
	p.must(p.headers(1, true, get()...))
	await(t, func() bool {
		sc.out.mu.Lock()
		defer sc.out.mu.Unlock()
		return len(sc.out.buf) >= waitAt
	})
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	sc.lastGoAway()
	sc.mu.Lock()
	if len(sc.streams) != 1 {
		t.Error("the stream is over before its end is in the buffer")
	}
	sc.mu.Unlock()
	close(nc.hold)
	if err := <-finished; err != nil {
		t.Errorf("the last frame: %v", err)
	}
	await(t, func() bool { // all is written, by whichever goroutine
		sc.out.mu.Lock()
		defer sc.out.mu.Unlock()
		return !sc.out.writing && len(sc.out.buf) == 0
	})
	_ = client.Close()
	<-ended
	nc.mu.Lock()
	defer nc.mu.Unlock()
	fr := xhttp2.NewFramer(io.Discard, &nc.written)
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			t.Fatalf("no END_STREAM: %v", err)
		}
		if d, ok := f.(*xhttp2.DataFrame); ok && d.StreamEnded() {
			return
		}
	}
}

// TestRequestsAfterGoAwayAreCharged: what comes after our last GOAWAY is ignored, but not without end.
func TestRequestsAfterGoAwayAreCharged(t *testing.T) {
	started := make(chan struct{}, 1)
	sc, nc, _ := serveOne(t, &ServerConfig{}, func(st *ServerStream) {
		started <- struct{}{}
		<-st.Done()
	})
	p := newRawPeer(t, nc)
	p.must(p.write([]byte(preface)))
	p.must(p.fr.WriteSettings())
	p.must(p.headers(1, true, get()...))
	<-started
	sc.lastGoAway()
	done := make(chan *outcome)
	go func() { done <- p.until(closed) }()
	for i := range 1 << 17 {
		if p.headers(uint32(2*i+3), true, get()...) != nil {
			break
		}
	}
	if o := <-done; o.goAway != xhttp2.ErrCodeEnhanceYourCalm || o.debug != string(ReasonUnknownFlood) {
		t.Errorf("%+v", o)
	}
}
