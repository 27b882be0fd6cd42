package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// act is one request at a scripted backend, which a scene answers the same way over HTTP/1 and HTTP/2.
type act interface {
	method() string
	path() string
	authority() string
	// read waits for the whole body of the request.
	read() (string, error)
	inform(status int)
	// head says the head of an answer with fields (name, value, ...). Where they have no content-length, an HTTP/1 body is
	// chunked.
	head(status int, fields ...string)
	data(p string)
	// end says that there is no more, with trailers if there are any.
	end(trailers ...string)
	// reset ends the request, and with HTTP/1 its connection, abruptly; fin ends the connection without another word.
	reset()
	fin()
	// stop wants no more of the request, after a whole answer: HTTP/1 closes the connection.
	stop()
	// stray says something that belongs to no request.
	stray()
}

// scene answers one request.
type scene func(a act)

// stage is a scripted backend.
type stage struct {
	addr     string
	protocol lbv1.BackendProtocol
	play     scene
	pair     tls.Certificate
}

func newStage(t testing.TB, protocol lbv1.BackendProtocol, play scene) *stage {
	s := &stage{protocol: protocol, play: play}
	secure := protocol == lbv1.BackendProtocol_HTTPS || protocol == lbv1.BackendProtocol_HTTP2
	if secure {
		_, s.pair = certificate(t, "backend.example")
	}
	s.addr = rawBackend(t, func(c *rawConn) {
		tcp := c.Conn.(*net.TCPConn)
		if secure {
			tc := tls.Server(c.Conn, &tls.Config{Certificates: []tls.Certificate{s.pair}, NextProtos: s.nextProtos()})
			if tc.Handshake() != nil {
				return
			}
			c = &rawConn{Conn: tc, r: bufio.NewReader(tc)}
		}
		if s.speaks2() {
			s.serve2(c)
			return
		}
		s.serve1(c, tcp)
	})
	return s
}

func (s *stage) speaks2() bool {
	return s.protocol == lbv1.BackendProtocol_H2C || s.protocol == lbv1.BackendProtocol_HTTP2
}

func (s *stage) nextProtos() []string {
	if s.speaks2() {
		return []string{"h2"}
	}
	return nil
}

// serve1 plays HTTP/1.
func (s *stage) serve1(c *rawConn, tcp *net.TCPConn) {
	for {
		q, err := http.ReadRequest(c.r)
		if err != nil {
			return
		}
		a := &act1{c: c, tcp: tcp, q: q}
		s.play(a)
		if a.over {
			return
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
	}
}

// act1 is a request over HTTP/1.
type act1 struct {
	c       *rawConn
	tcp     *net.TCPConn
	q       *http.Request
	chunked bool
	over    bool // the connection has ended
	out     strings.Builder
}

// say collects what leaves in one write.
func (a *act1) say(s string) { a.out.WriteString(s) }

func (a *act1) flush() {
	a.c.say(a.out.String())
	a.out.Reset()
}

func (a *act1) method() string    { return a.q.Method }
func (a *act1) path() string      { return a.q.URL.Path }
func (a *act1) authority() string { return a.q.Host }

func (a *act1) read() (string, error) {
	a.flush()
	p, err := io.ReadAll(a.q.Body)
	return string(p), err
}

func (a *act1) inform(status int) {
	a.say(fmt.Sprintf("HTTP/1.1 %d Soon\r\nx-soon: yes\r\n\r\n", status))
}

func (a *act1) head(status int, fields ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d Some Reason\r\n", status)
	sized := false
	for i := 0; i < len(fields); i += 2 {
		sized = sized || fields[i] == "content-length"
		fmt.Fprintf(&b, "%s: %s\r\n", fields[i], fields[i+1])
	}
	if a.chunked = !sized && status != 204 && status != 304; a.chunked {
		b.WriteString("transfer-encoding: chunked\r\n")
	}
	a.chunked = a.chunked && a.q.Method != "HEAD"
	a.say(b.String() + "\r\n")
}

func (a *act1) data(p string) {
	if a.chunked {
		p = fmt.Sprintf("%x\r\n%s\r\n", len(p), p)
	}
	a.say(p)
}

func (a *act1) end(trailers ...string) {
	defer a.flush()
	if !a.chunked {
		return
	}
	b := "0\r\n"
	for i := 0; i < len(trailers); i += 2 {
		b += trailers[i] + ": " + trailers[i+1] + "\r\n"
	}
	a.say(b + "\r\n")
}

func (a *act1) reset() {
	a.flush()
	a.over = true
	_ = a.tcp.SetLinger(0)
	_ = a.tcp.Close()
}

func (a *act1) fin() {
	a.flush()
	a.over = true
	_ = a.c.Close()
}

func (a *act1) stop() { a.fin() }

func (a *act1) stray() { a.c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil") }

// conn2 is a connection over HTTP/2.
type conn2 struct {
	c    *rawConn
	f    *http2.Framer
	mu   sync.Mutex // of writes
	buf  bytes.Buffer
	enc  *hpack.Encoder
	acts map[uint32]*act2
}

// serve2 plays HTTP/2.
func (s *stage) serve2(raw *rawConn) {
	if _, err := io.ReadFull(raw.r, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	c := &conn2{c: raw, f: http2.NewFramer(raw.Conn, raw.r), acts: map[uint32]*act2{}}
	c.enc = hpack.NewEncoder(&c.buf)
	c.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = c.f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	_ = c.f.WriteWindowUpdate(0, 1<<28)
	var running sync.WaitGroup
	defer running.Wait()
	defer func() {
		for _, a := range c.acts {
			a.in.end(io.ErrUnexpectedEOF)
		}
	}()
	for {
		frame, err := c.f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				c.write(func() { _ = c.f.WriteSettingsAck() })
			}
		case *http2.MetaHeadersFrame:
			a := c.acts[frame.StreamID]
			if a == nil {
				a = &act2{conn2: c, id: frame.StreamID, q: frame, in: newInbox()}
				c.acts[frame.StreamID] = a
				running.Go(func() { s.play(a) })
			}
			if frame.StreamEnded() {
				a.in.end(io.EOF)
			}
		case *http2.DataFrame:
			if a := c.acts[frame.StreamID]; a != nil {
				a.feed(frame)
			}
		case *http2.RSTStreamFrame:
			if a := c.acts[frame.StreamID]; a != nil {
				a.in.end(io.ErrUnexpectedEOF)
			}
		}
	}
}

func (c *conn2) write(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

func (c *conn2) headers(id uint32, end bool, fields ...string) {
	c.write(func() {
		c.buf.Reset()
		for i := 0; i < len(fields); i += 2 {
			_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		_ = c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.buf.Bytes(), EndHeaders: true, EndStream: end})
	})
}

// act2 is a request over HTTP/2. Its body is read without regard to windows, which are wide.
type act2 struct {
	*conn2
	id uint32
	q  *http2.MetaHeadersFrame
	in *inbox
}

// inbox is a body that has arrived; who fills it never waits.
type inbox struct {
	mu   sync.Mutex
	more sync.Cond
	buf  bytes.Buffer
	err  error // after buf
}

func newInbox() *inbox {
	b := &inbox{}
	b.more.L = &b.mu
	return b
}

func (b *inbox) write(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, _ = b.buf.Write(p)
	b.more.Broadcast()
}

// end is the end; the first counts.
func (b *inbox) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.more.Broadcast()
}

func (b *inbox) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.buf.Len() == 0 && b.err == nil {
		b.more.Wait()
	}
	if b.buf.Len() > 0 {
		return b.buf.Read(p)
	}
	return 0, b.err
}

func (a *act2) feed(frame *http2.DataFrame) {
	a.in.write(frame.Data())
	if frame.StreamEnded() {
		a.in.end(io.EOF)
	}
}

func (a *act2) method() string    { return a.q.PseudoValue("method") }
func (a *act2) path() string      { return a.q.PseudoValue("path") }
func (a *act2) authority() string { return a.q.PseudoValue("authority") }

func (a *act2) read() (string, error) {
	p, err := io.ReadAll(a.in)
	return string(p), err
}

func (a *act2) inform(status int) {
	a.headers(a.id, false, ":status", strconv.Itoa(status), "x-soon", "yes")
}

func (a *act2) head(status int, fields ...string) {
	a.headers(a.id, false, append([]string{":status", strconv.Itoa(status)}, fields...)...)
}

func (a *act2) data(p string) {
	a.write(func() { _ = a.f.WriteData(a.id, false, []byte(p)) })
}

func (a *act2) end(trailers ...string) {
	if len(trailers) == 0 {
		a.write(func() { _ = a.f.WriteData(a.id, true, nil) })
		return
	}
	a.headers(a.id, true, trailers...)
}

func (a *act2) reset() {
	a.write(func() { _ = a.f.WriteRSTStream(a.id, http2.ErrCodeInternal) })
}

func (a *act2) stop() {
	a.write(func() { _ = a.f.WriteRSTStream(a.id, http2.ErrCodeNo) })
}

func (a *act2) fin() { _ = a.c.Close() }

// stray answers a stream that was never opened.
func (a *act2) stray() { a.headers(a.id+1000, true, ":status", "200") }
