package http2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	xhttp2 "golang.org/x/net/http2"
	xhpack "golang.org/x/net/http2/hpack"
)

// scriptConn is a connection whose peer sends a fixed text and takes everything.
type scriptConn struct {
	net.Conn
	in    *bytes.Reader
	start chan struct{} // input is held back until this is closed
	once  sync.Once
	over  chan struct{}
}

func newScriptConn(input []byte) *scriptConn {
	return &scriptConn{in: bytes.NewReader(input), start: make(chan struct{}), over: make(chan struct{})}
}

func (c *scriptConn) Read(p []byte) (int, error) {
	select {
	case <-c.start:
	case <-c.over:
		return 0, net.ErrClosed
	}
	return c.in.Read(p)
}

func (c *scriptConn) Write(p []byte) (int, error) { return len(p), nil }

func (c *scriptConn) Close() error {
	c.once.Do(func() { close(c.over) })
	return nil
}

func (c *scriptConn) CloseWrite() error { return nil }

func (c *scriptConn) SetDeadline(time.Time) error { return nil }

func (c *scriptConn) SetReadDeadline(time.Time) error { return nil }

// within fails loudly when a connection hangs.
func within(t *testing.T, done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		panic("the connection hangs")
	}
}

// text writes a message in one comparable form.
func text(pseudo string, fields []string, body []byte, trailers []string) string {
	return fmt.Sprintf("%s %q %q %q", pseudo, fields, body, trailers)
}

// oracle reads the same bytes with x/net's Framer and notes every message that came to its end, by stream. A stream's
// messages are what came in order: heads, DATA, trailers.
func oracle(input []byte) map[uint32]string {
	type msg struct {
		heads    [][]xhpack.HeaderField
		body     []byte
		trailers []xhpack.HeaderField
	}
	fr := xhttp2.NewFramer(io.Discard, bytes.NewReader(input))
	fr.SetMaxReadFrameSize(maxFrameLen)
	fr.ReadMetaHeaders = xhpack.NewDecoder(4096, nil)
	fr.MaxHeaderListSize = 1 << 24
	open := map[uint32]*msg{}
	whole := map[uint32]string{}
	for {
		f, err := fr.ReadFrame()
		var se xhttp2.StreamError
		if errors.As(err, &se) {
			delete(open, se.StreamID)
			continue
		}
		if err != nil {
			return whole
		}
		id := f.Header().StreamID
		ended := false
		switch f := f.(type) {
		case *xhttp2.MetaHeadersFrame:
			m := open[id]
			if m == nil {
				m = &msg{}
				open[id] = m
			}
			final := len(m.heads) > 0 && !informational(m.heads[len(m.heads)-1])
			if final {
				m.trailers = f.Fields
			} else {
				m.heads = append(m.heads, f.Fields)
			}
			ended = f.StreamEnded() || bodiless(f.Fields) && !final
		case *xhttp2.DataFrame:
			if m := open[id]; m != nil {
				m.body = append(m.body, f.Data()...)
				ended = f.StreamEnded()
			}
		case *xhttp2.RSTStreamFrame:
			delete(open, id)
		}
		m := open[id]
		if _, seen := whole[id]; ended && m != nil && !seen {
			pseudo, fields := split(m.heads[len(m.heads)-1])
			_, trailers := split(m.trailers)
			whole[id] = text(pseudo, fields, m.body, trailers)
		}
	}
}

func informational(fields []xhpack.HeaderField) bool {
	return len(fields) > 0 && fields[0].Name == ":status" && len(fields[0].Value) == 3 && fields[0].Value[0] == '1'
}

// bodiless: nobody waits for the end of an answer that has no body.
func bodiless(fields []xhpack.HeaderField) bool {
	return len(fields) > 0 && fields[0].Name == ":status" && (fields[0].Value == "204" || fields[0].Value == "304")
}

// split separates pseudo-headers and leaves out what we treat in our own way (host, cookies, framing in trailers).
func split(fields []xhpack.HeaderField) (pseudo string, regular []string) {
	values := map[string]string{}
	for _, f := range fields {
		if f.IsPseudo() {
			values[f.Name] = f.Value
		} else if id := header.Lookup([]byte(f.Name)); id != header.Host && id != header.Cookie && !field.NotInTrailers(id) {
			regular = append(regular, f.Name+":"+f.Value)
		}
	}
	return values[":method"] + values[":path"] + values[":protocol"] + values[":status"], regular
}

func plainFields(m *header.Map) []string {
	var out []string
	if m == nil {
		return nil
	}
	for i := range m.Len() {
		f := m.At(i)
		if f.ID != header.Cookie && !field.NotInTrailers(f.ID) {
			out = append(out, string(f.Name)+":"+string(f.Value))
		}
	}
	return out
}

// frames builds seed inputs.
func frames(build func(p *rawPeer)) []byte {
	var out bytes.Buffer
	p := &rawPeer{fr: xhttp2.NewFramer(&out, nil)}
	p.fr.AllowIllegalWrites = true
	p.enc = xhpack.NewEncoder(&p.buf)
	build(p)
	return out.Bytes()
}

func serverSeeds() [][]byte {
	return [][]byte{
		frames(func(p *rawPeer) {
			_ = p.fr.WriteSettings()
			_ = p.headers(1, true, get("x", "y")...)
			_ = p.headers(3, false, post("content-length", "3", "cookie", "a=1", "cookie", "b=2")...)
			_ = p.fr.WriteData(3, true, []byte("abc"))
		}),
		frames(func(p *rawPeer) {
			_ = p.fr.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0})
			_ = p.headers(1, false, post("trailer", "x")...)
			_ = p.fr.WriteDataPadded(1, false, []byte("abc"), []byte{0, 0, 0})
			_ = p.fr.WritePing(false, [8]byte{1})
			_ = p.fr.WriteWindowUpdate(1, 5)
			_ = p.headers(1, true, "x", "sum")
		}),
		frames(func(p *rawPeer) {
			_ = p.fr.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 100})
			b := p.block(get("x-long", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")...)
			_ = p.fr.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:5], EndStream: true})
			_ = p.fr.WriteContinuation(1, true, b[5:])
			_ = p.fr.WriteRSTStream(1, xhttp2.ErrCodeCancel)
			_ = p.fr.WritePriority(5, xhttp2.PriorityParam{StreamDep: 3})
			_ = p.headers(7, true, get("connection", "close")...)
			_ = p.fr.WriteGoAway(0, xhttp2.ErrCodeNo, nil)
		}),
		frames(func(p *rawPeer) {
			_ = p.fr.WriteSettings()
			_ = p.headers(1, false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/", ":authority", "a")
			_ = p.fr.WriteData(1, true, []byte("frame"))
			_ = p.fr.WriteData(1, true, []byte("late"))
		}),
	}
}

// FuzzServer feeds a server connection any bytes after the preface. It must end, and every request that a handler got
// whole must be one that x/net's Framer and HPACK decoder read from the same bytes, on the same stream, with the same
// fields, body and trailers.
func FuzzServer(f *testing.F) {
	for _, s := range serverSeeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var mu sync.Mutex
		got := map[uint32]string{}
		nc := newScriptConn(append([]byte(preface), input...))
		close(nc.start)
		sc := NewServerConn(nc, &ServerConfig{Limits: Limits{MaxConcurrentStreams: 20}})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = sc.Serve(func(st *ServerStream) {
				req := st.Request()
				var trailers []string
				body, err := readBody(req.Body)
				if req.Body != nil {
					trailers = plainFields(req.Body.Trailers())
				}
				if err == nil {
					pseudo := string(req.Method) + string(req.Path) + string(req.Protocol)
					mu.Lock()
					got[st.ID()] = text(pseudo, plainFields(&req.Header), body, trailers)
					mu.Unlock()
				}
				_ = st.WriteHead(200, &req.Header, false)
				_ = st.WriteData(body, true)
			})
		}()
		within(t, done)
		if len(got) == 0 {
			return
		}
		want := oracle(input)
		for id, m := range got {
			if want[id] != m {
				t.Errorf("stream %d\ngot  %s\nwant %s", id, m, want[id])
			}
		}
	})
}

// FuzzClient feeds a client connection with requests under way any bytes, with the same demands.
func FuzzClient(f *testing.F) {
	for _, build := range []func(p *rawPeer){
		func(p *rawPeer) {
			_ = p.fr.WriteSettings()
			_ = p.headers(1, false, ":status", "200", "content-length", "3")
			_ = p.fr.WriteData(1, true, []byte("abc"))
			_ = p.headers(3, false, ":status", "103", "link", "x")
			_ = p.headers(3, true, ":status", "204")
		},
		func(p *rawPeer) {
			_ = p.fr.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 1})
			_ = p.headers(1, false, ":status", "200")
			_ = p.headers(1, true, "grpc-status", "0")
			_ = p.fr.WriteGoAway(1, xhttp2.ErrCodeNo, []byte("bye"))
		},
		func(p *rawPeer) {
			_ = p.fr.WriteSettings()
			_ = p.fr.WriteRSTStream(1, xhttp2.ErrCodeRefusedStream)
			_ = p.headers(3, true, ":status", "200", "transfer-encoding", "chunked")
		},
	} {
		f.Add(frames(build))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		nc := newScriptConn(input)
		cc := NewClientConn(nc, &ClientConfig{})
		got := map[uint32]string{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 2 {
			cs, err := cc.Open(request("GET", "a.example", "/"), true)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				defer cs.Close()
				var resp message.Response
				if cs.ReadHead(&resp, nil) != nil {
					return
				}
				var trailers []string
				body, err := readBody(resp.Body)
				if err != nil {
					return
				}
				if resp.Body != nil {
					trailers = plainFields(resp.Body.Trailers())
				}
				mu.Lock()
				got[cs.ID()] = text(fmt.Sprint(resp.Status), plainFields(&resp.Header), body, trailers)
				mu.Unlock()
			})
		}
		close(nc.start)
		done := make(chan struct{})
		go func() {
			wg.Wait()
			<-cc.Done()
			close(done)
		}()
		within(t, done)
		want := oracle(input)
		for id, m := range got {
			if want[id] != m {
				t.Errorf("stream %d\ngot  %s\nwant %s", id, m, want[id])
			}
		}
	})
}
