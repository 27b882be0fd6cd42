package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// refuser is an HTTP/2 backend that refuses its first request when enough of the body has come, and serves the others.
type refuser struct {
	addr    string
	refused chan struct{} // the first request was
	again   chan struct{} // the second has begun to come
	bodies  chan []byte   // of requests that were served
}

// refusal refuses stream id. The connection ends when it returns false.
type refusal func(f *http2.Framer, id uint32) bool

var refusals = map[string]refusal{
	"RST_STREAM": func(f *http2.Framer, id uint32) bool { return f.WriteRSTStream(id, http2.ErrCodeRefusedStream) == nil },
	"GOAWAY":     func(f *http2.Framer, _ uint32) bool { return f.WriteGoAway(0, http2.ErrCodeNo, nil) == nil },
	"GOAWAY and close": func(f *http2.Framer, _ uint32) bool {
		_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
		return false
	},
}

func newRefuser(t *testing.T, after int, refuse refusal) *refuser {
	b := &refuser{refused: make(chan struct{}), again: make(chan struct{}), bodies: make(chan []byte, 4)}
	first := make(chan struct{}, 1)
	first <- struct{}{}
	b.addr = rawBackend(t, func(c *rawConn) {
		if _, err := io.ReadFull(c.r, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := http2.NewFramer(c.Conn, c.r)
		_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		_ = f.WriteWindowUpdate(0, 1<<20)
		b.serve(f, after, refuse, first)
	})
	return b
}

func (b *refuser) serve(f *http2.Framer, after int, refuse refusal, first chan struct{}) {
	got := map[uint32][]byte{}
	victim, refused := uint32(0), uint32(0)
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		id := frame.Header().StreamID
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.WriteSettingsAck()
			}
			continue
		case *http2.HeadersFrame:
			select {
			case <-first:
				victim = id
			default:
				close(b.again)
			}
		case *http2.DataFrame:
			got[id] = append(got[id], frame.Data()...)
		default:
			continue
		}
		switch {
		case id == refused:
		case id == victim && len(got[id]) >= after:
			refused = id
			ok := refuse(f, id)
			close(b.refused)
			if !ok {
				return
			}
		case frame.Header().Flags.Has(http2.FlagDataEndStream):
			b.bodies <- got[id]
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: status200(), EndHeaders: true, EndStream: true})
		}
	}
}

func status200() []byte {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	return block.Bytes()
}

// upload sends the parts of a body, each when its channel is closed, and returns the status of the answer.
type upload func(t *testing.T, r *rig, first, second string, rest <-chan struct{}) int

var uploads = map[string]upload{
	"HTTP/1": func(t *testing.T, r *rig, first, second string, rest <-chan struct{}) int {
		c := r.dial()
		go func() {
			c.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(first)+len(second), first))
			<-rest
			c.say(second)
		}()
		res, _ := c.answer(t, "POST")
		return res.StatusCode
	},
	"HTTP/2": func(t *testing.T, r *rig, first, second string, rest <-chan struct{}) int {
		q := getRequest("/")
		q.Method, q.ContentLength = []byte("POST"), message.UnknownLength
		cs, err := http2Client(t, r).Open(q, false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cs.Close)
		go func() {
			_ = cs.WriteData([]byte(first), false)
			cs.Flush()
			<-rest
			_ = cs.WriteData([]byte(second), true)
		}()
		var res message.Response
		if err := cs.ReadHead(&res, nil); err != nil {
			t.Fatal(err)
		}
		return res.Status
	},
}

// TestRefusedUploads: a request that a backend refuses is sent again whole, or not at all. What was sent and not kept
// would be missing from its middle.
func TestRefusedUploads(t *testing.T) {
	part := func(n int) string { return strings.Repeat("0123456789", n/10) }
	for name, send := range uploads {
		for how, refuse := range refusals {
			run := func(what string, do func(t *testing.T)) { t.Run(name+"/"+how+"/"+what, do) }
			rig := func(t *testing.T, b *refuser) *rig {
				return newRig(t, []string{b.addr}, func(m *model) { m.service.Protocol = lbv1.BackendProtocol_H2C })
			}
			run("more than is kept", func(t *testing.T) {
				b := newRefuser(t, 100_000, refuse)
				if got := send(t, rig(t, b), part(100_000), part(100_000), b.refused); got != 502 {
					t.Errorf("got %d", got)
				}
				if len(b.bodies) > 0 {
					t.Errorf("sent again: %d bytes", len(<-b.bodies))
				}
			})
			run("all is kept", func(t *testing.T) {
				b := newRefuser(t, 30_000, refuse)
				now := make(chan struct{})
				close(now)
				if got := send(t, rig(t, b), part(20_000), part(10_000), now); got != 200 {
					t.Fatalf("got %d", got)
				}
				if got := <-b.bodies; string(got) != part(30_000) {
					t.Errorf("the backend got %d bytes", len(got))
				}
			})
			run("the rest comes later", func(t *testing.T) {
				b := newRefuser(t, 20_000, refuse)
				if got := send(t, rig(t, b), part(20_000), part(10_000), b.again); got != 200 {
					t.Errorf("got %d", got)
				}
				if got := <-b.bodies; string(got) != part(20_000)+part(10_000) {
					t.Errorf("the backend got %d bytes", len(got))
				}
			})
		}
	}
}
