package http2

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	xhpack "golang.org/x/net/http2/hpack"
)

// rawPeer is a hostile or clumsy peer: it sends any frame, and notes what comes back.
type rawPeer struct {
	t   testing.TB
	nc  net.Conn
	fr  *xhttp2.Framer
	ack *xhttp2.Framer // for until, which may run beside the sender
	enc *xhpack.Encoder
	dec *xhpack.Decoder
	// quiet leaves SETTINGS and PING unanswered.
	quiet bool
	buf   bytes.Buffer
}

func newRawPeer(t testing.TB, nc net.Conn) *rawPeer {
	p := &rawPeer{t: t, nc: nc}
	p.fr = xhttp2.NewFramer(nc, nc)
	p.ack = xhttp2.NewFramer(nc, nil)
	p.fr.AllowIllegalWrites = true
	p.fr.AllowIllegalReads = true
	p.dec = xhpack.NewDecoder(4096, nil)
	p.enc = xhpack.NewEncoder(&p.buf)
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { _ = nc.Close() })
	return p
}

// rawClient connects to a server and says hello.
func rawClient(t testing.TB, addr string, settings ...xhttp2.Setting) *rawPeer {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := newRawPeer(t, nc)
	p.must(p.write([]byte(preface)))
	p.must(p.fr.WriteSettings(settings...))
	return p
}

func (p *rawPeer) write(b []byte) error {
	_, err := p.nc.Write(b)
	return err
}

func (p *rawPeer) must(err error) {
	if err != nil {
		p.t.Helper()
		p.t.Fatal(err)
	}
}

// block encodes name, value pairs.
func (p *rawPeer) block(fields ...string) []byte {
	p.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		p.must(p.enc.WriteField(xhpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	return bytes.Clone(p.buf.Bytes())
}

func get(fields ...string) []string {
	return append([]string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a.example"}, fields...)
}

func post(fields ...string) []string {
	return append([]string{":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a.example"}, fields...)
}

// headers sends a request head; errors are left to the reading side, since the server may have hung up.
func (p *rawPeer) headers(id uint32, end bool, fields ...string) error {
	return p.fr.WriteHeaders(xhttp2.HeadersFrameParam{
		StreamID: id, BlockFragment: p.block(fields...), EndStream: end, EndHeaders: true,
	})
}

// outcome is what a peer was told in the end.
type outcome struct {
	goAway xhttp2.ErrCode
	debug  string
	last   uint32
	gone   bool // GOAWAY was seen
	resets map[uint32]xhttp2.ErrCode
	status map[uint32]string
	ended  map[uint32]bool
	data   map[uint32]int
	pings  int
	acks   int
}

// until reads frames until stop says so, or the connection ends.
func (p *rawPeer) until(stop func(*outcome) bool) *outcome {
	o := &outcome{
		resets: map[uint32]xhttp2.ErrCode{}, status: map[uint32]string{}, ended: map[uint32]bool{}, data: map[uint32]int{},
	}
	for !stop(o) {
		f, err := p.fr.ReadFrame()
		if err != nil {
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				p.t.Fatalf("nothing came; so far %+v", o)
			}
			return o
		}
		switch f := f.(type) {
		case *xhttp2.GoAwayFrame:
			o.goAway, o.debug, o.last, o.gone = f.ErrCode, string(f.DebugData()), f.LastStreamID, true
		case *xhttp2.RSTStreamFrame:
			o.resets[f.StreamID] = f.ErrCode
		case *xhttp2.PingFrame:
			if f.IsAck() {
				o.pings++
			} else if !p.quiet {
				_ = p.ack.WritePing(true, f.Data)
			}
		case *xhttp2.SettingsFrame:
			if f.IsAck() {
				o.acks++
			} else if !p.quiet {
				_ = p.ack.WriteSettingsAck()
			}
		case *xhttp2.DataFrame:
			o.data[f.StreamID] += len(f.Data())
			o.ended[f.StreamID] = o.ended[f.StreamID] || f.StreamEnded()
		case *xhttp2.HeadersFrame:
			fields, err := p.dec.DecodeFull(f.HeaderBlockFragment())
			p.must(err)
			o.ended[f.StreamID] = o.ended[f.StreamID] || f.StreamEnded()
			for _, hf := range fields {
				if hf.Name == ":status" {
					o.status[f.StreamID] = hf.Value
				}
			}
		}
	}
	return o
}

func closed(*outcome) bool { return false }

// events collects reports.
type events struct {
	mu   sync.Mutex
	seen map[Reason]int
}

func (e *events) report(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen == nil {
		e.seen = map[Reason]int{}
	}
	e.seen[ev.Reason]++
}

func (e *events) count(r Reason) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen[r]
}
