package http2

import (
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// TestConnectionErrors: violations that leave no common ground end the connection with the code of RFC 9113.
func TestConnectionErrors(t *testing.T) {
	raw := func(typ xhttp2.FrameType, flags xhttp2.Flags, id uint32, payload string) func(*rawPeer) error {
		return func(p *rawPeer) error { return p.fr.WriteRawFrame(typ, flags, id, []byte(payload)) }
	}
	addr := listen(t, &ServerConfig{}, hold)
	for _, tt := range []struct {
		name string
		code xhttp2.ErrCode
		send func(*rawPeer) error
	}{
		{"frame too large", xhttp2.ErrCodeFrameSize, raw(0xee, 0, 0, strings.Repeat("x", 16385))},
		{"DATA on stream 0", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameData, 0, 0, "x")},
		{"DATA on idle stream", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameData, 0, 5, "x")},
		{"RST on idle stream", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameRSTStream, 0, 5, "\x00\x00\x00\x08")},
		{"window update on idle stream", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameWindowUpdate, 0, 5, "\x00\x00\x00\x08")},
		{"window update of 0", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00")},
		{"connection window overflow", xhttp2.ErrCodeFlowControl, raw(xhttp2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff")},
		{"HEADERS on stream 0", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameHeaders, xhttp2.FlagHeadersEndHeaders, 0, "\x82")},
		{"even stream", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameHeaders, xhttp2.FlagHeadersEndHeaders, 2, "\x82")},
		{"padding too long", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameHeaders, xhttp2.FlagHeadersPadded, 1, "\x05\x82")},
		{"priority cut short", xhttp2.ErrCodeFrameSize, raw(xhttp2.FrameHeaders, xhttp2.FlagHeadersPriority, 1, "\x00")},
		{"garbage header block", xhttp2.ErrCodeCompression, raw(xhttp2.FrameHeaders, xhttp2.FlagHeadersEndHeaders, 1, "\xff\xff\xff\xff\xff")},
		{"lone CONTINUATION", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameContinuation, 4, 1, "\x82")},
		{"PUSH_PROMISE", xhttp2.ErrCodeProtocol, raw(xhttp2.FramePushPromise, 4, 1, "\x00\x00\x00\x02\x82")},
		{"SETTINGS on a stream", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameSettings, 0, 1, "")},
		{"SETTINGS ack with content", xhttp2.ErrCodeFrameSize, raw(xhttp2.FrameSettings, 1, 0, "\x00\x00\x00\x00\x00\x00")},
		{"SETTINGS cut short", xhttp2.ErrCodeFrameSize, raw(xhttp2.FrameSettings, 0, 0, "\x00\x00\x00")},
		{"initial window too large", xhttp2.ErrCodeFlowControl, raw(xhttp2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00")},
		{"frame size too small", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x00\x00")},
		{"enable push of 2", xhttp2.ErrCodeProtocol, raw(xhttp2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02")},
		{"PING of 7 bytes", xhttp2.ErrCodeFrameSize, raw(xhttp2.FramePing, 0, 0, "1234567")},
		{"PING on a stream", xhttp2.ErrCodeProtocol, raw(xhttp2.FramePing, 0, 1, "12345678")},
		{"GOAWAY cut short", xhttp2.ErrCodeFrameSize, raw(xhttp2.FrameGoAway, 0, 0, "1234")},
		{"frame inside a header block", xhttp2.ErrCodeProtocol, func(p *rawPeer) error {
			if err := raw(xhttp2.FrameHeaders, 0, 1, "\x82")(p); err != nil {
				return err
			}
			return p.fr.WritePing(false, [8]byte{})
		}},
		{"connection window exceeded", xhttp2.ErrCodeFlowControl, func(p *rawPeer) error {
			for id := uint32(1); id < 21; id += 2 {
				if err := p.headers(id, false, post()...); err != nil {
					return err
				}
				for range 7 {
					if err := p.fr.WriteData(id, false, make([]byte, 16384)); err != nil {
						return nil
					}
				}
			}
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(tt.send(p))
			if o := p.until(closed); !o.gone || o.goAway != tt.code {
				t.Errorf("GOAWAY %v %s %q, want %s", o.gone, o.goAway, o.debug, tt.code)
			}
		})
	}
}

// TestStreamWindowExceeded resets the stream only.
func TestStreamWindowExceeded(t *testing.T) {
	addr := listen(t, &ServerConfig{Limits: Limits{StreamWindow: 70000}}, hold)
	p := rawClient(t, addr)
	p.must(p.headers(1, false, post()...))
	for range 5 {
		p.must(p.fr.WriteData(1, false, make([]byte, 16384)))
	}
	o := p.until(func(o *outcome) bool { return len(o.resets) > 0 })
	if o.resets[1] != xhttp2.ErrCodeFlowControl || o.gone {
		t.Errorf("%+v", o)
	}
}

// TestMaxConcurrentStreams refuses what is too much, retryably, and counts a stream that was reset until its handler
// has returned.
func TestMaxConcurrentStreams(t *testing.T) {
	release := make(chan struct{})
	addr := listen(t, &ServerConfig{Limits: Limits{MaxConcurrentStreams: 2}}, func(st *ServerStream) {
		<-release
		_ = st.WriteHead(200, nil, true)
	})
	p := rawClient(t, addr)
	for id := uint32(1); id <= 5; id += 2 {
		p.must(p.headers(id, true, get()...))
	}
	o := p.until(func(o *outcome) bool { return len(o.resets) > 0 })
	if o.resets[5] != xhttp2.ErrCodeRefusedStream {
		t.Errorf("%+v", o)
	}
	for id := uint32(7); id <= 21; id += 2 {
		p.must(p.fr.WriteRSTStream(max(id-6, 3)-2, xhttp2.ErrCodeCancel))
		p.must(p.headers(id, true, get()...))
	}
	o = p.until(func(o *outcome) bool { return o.resets[21] != 0 })
	if o.resets[21] != xhttp2.ErrCodeRefusedStream {
		t.Errorf("more handlers than allowed: %+v", o)
	}
	close(release)
}
