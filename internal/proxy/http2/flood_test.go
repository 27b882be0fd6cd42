package http2

import (
	"io"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// hold is a handler that waits until its client is gone.
func hold(st *ServerStream) { <-st.Done() }

// TestFloods: what a peer may repeat without end, it may not. Every flood ends the connection with ENHANCE_YOUR_CALM
// and its own reason.
func TestFloods(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reason Reason
		send   func(p *rawPeer, i int) error
	}{
		{"rapid reset", ReasonRapidReset, func(p *rawPeer, i int) error {
			id := uint32(2*i + 1)
			if err := p.headers(id, true, get()...); err != nil {
				return err
			}
			return p.fr.WriteRSTStream(id, xhttp2.ErrCodeCancel)
		}},
		{"made you reset: window update of 0", ReasonServerReset, func(p *rawPeer, i int) error {
			id := uint32(2*i + 1)
			if err := p.headers(id, true, get()...); err != nil {
				return err
			}
			return p.fr.WriteRawFrame(xhttp2.FrameWindowUpdate, 0, id, []byte{0, 0, 0, 0})
		}},
		{"made you reset: window overflow", ReasonServerReset, func(p *rawPeer, i int) error {
			id := uint32(2*i + 1)
			if err := p.headers(id, true, get()...); err != nil {
				return err
			}
			return p.fr.WriteWindowUpdate(id, 1<<31-1)
		}},
		{"made you reset: DATA after the end", ReasonServerReset, func(p *rawPeer, i int) error {
			id := uint32(2*i + 1)
			if err := p.headers(id, true, get()...); err != nil {
				return err
			}
			return p.fr.WriteData(id, false, []byte("x"))
		}},
		{"malformed requests", ReasonServerReset, func(p *rawPeer, i int) error {
			return p.headers(uint32(2*i+1), true, get("connection", "close")...)
		}},
		{"settings", ReasonSettingsFlood, func(p *rawPeer, _ int) error { return p.fr.WriteSettings() }},
		{"ping", ReasonPingFlood, func(p *rawPeer, _ int) error { return p.fr.WritePing(false, [8]byte{}) }},
		{"settings acknowledgements", ReasonSettingsFlood, func(p *rawPeer, _ int) error { return p.fr.WriteSettingsAck() }},
		{"ping answers", ReasonPingFlood, func(p *rawPeer, _ int) error { return p.fr.WritePing(true, probePing) }},
		{"ping answers of a drain", ReasonPingFlood, func(p *rawPeer, _ int) error { return p.fr.WritePing(true, drainPing) }},
		{"go away", ReasonGoAwayFlood, func(p *rawPeer, _ int) error { return p.fr.WriteGoAway(0, xhttp2.ErrCodeNo, nil) }},
		{"padding only DATA", ReasonEmptyDataFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.headers(1, false, post()...)
			}
			return p.fr.WriteRawFrame(xhttp2.FrameData, xhttp2.FlagDataPadded, 1, []byte{0})
		}},
		{"priority of an idle stream", ReasonPriorityFlood, func(p *rawPeer, i int) error {
			return p.fr.WritePriority(uint32(2*i+1), xhttp2.PriorityParam{StreamDep: 0})
		}},
		{"trailers of streams that are gone", ReasonUnknownFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.headers(1, false, get("connection", "close")...)
			}
			return p.headers(1, true, "x-t", "1")
		}},
		{"resets of a stream that is gone", ReasonUnknownFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.headers(1, false, get("connection", "close")...)
			}
			return p.fr.WriteRSTStream(1, xhttp2.ErrCodeCancel)
		}},
		{"window updates of a stream that is gone", ReasonWindowFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.headers(1, false, get("connection", "close")...)
			}
			return p.fr.WriteWindowUpdate(1, 1)
		}},
		{"priority", ReasonPriorityFlood, func(p *rawPeer, _ int) error {
			return p.fr.WritePriority(1, xhttp2.PriorityParam{StreamDep: 3})
		}},
		{"window update", ReasonWindowFlood, func(p *rawPeer, _ int) error { return p.fr.WriteWindowUpdate(0, 1) }},
		{"unknown frames", ReasonUnknownFlood, func(p *rawPeer, _ int) error {
			return p.fr.WriteRawFrame(0xee, 0, 0, nil)
		}},
		{"empty DATA", ReasonEmptyDataFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.headers(1, false, post()...)
			}
			return p.fr.WriteData(1, false, nil)
		}},
		{"empty CONTINUATION", ReasonContinuationFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.fr.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block(get()...)})
			}
			return p.fr.WriteContinuation(1, false, nil)
		}},
		{"large CONTINUATION", ReasonContinuationFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.fr.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block(get()...)})
			}
			if i > 40 {
				return io.EOF // more would only hide the answer: a socket closed with unread input is reset
			}
			return p.fr.WriteContinuation(1, false, make([]byte, 16384))
		}},
		{"hpack bomb", ReasonHeaderBomb, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.headers(1, true, get("x-bomb", strings.Repeat("b", 3500))...)
			}
			if i > 2 {
				return io.EOF
			}
			// One byte each: the field that is newest in the table.
			bomb := append(p.block(get()...), []byte(strings.Repeat("\xbe", 16000))...)
			return p.fr.WriteHeaders(xhttp2.HeadersFrameParam{
				StreamID: uint32(2*i + 1), BlockFragment: bomb, EndStream: true, EndHeaders: true,
			})
		}},
		{"frames for streams that are gone", ReasonUnknownFlood, func(p *rawPeer, i int) error {
			if i == 0 {
				return p.headers(1, true, get("connection", "close")...)
			}
			return p.fr.WriteData(1, false, nil)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ev events
			addr := listen(t, &ServerConfig{Report: ev.report}, hold)
			p := rawClient(t, addr)
			p.quiet = true // an acknowledgement inside a header block would be another offence
			done := make(chan *outcome)
			go func() { done <- p.until(closed) }()
			for i := range 20000 {
				if tt.send(p, i) != nil {
					break
				}
			}
			o := <-done
			if !o.gone || o.goAway != xhttp2.ErrCodeEnhanceYourCalm || o.debug != string(tt.reason) {
				t.Errorf("GOAWAY %v, %s %q; want ENHANCE_YOUR_CALM %q", o.gone, o.goAway, o.debug, tt.reason)
			}
			if ev.count(tt.reason) != 1 {
				t.Errorf("reported %v", ev.seen)
			}
		})
	}
}

// TestFloodsAreNotFalseAlarms: the same frames in reasonable numbers, or beside useful work, go through.
func TestFloodsAreNotFalseAlarms(t *testing.T) {
	addr := listen(t, &ServerConfig{}, hello())
	p := rawClient(t, addr, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20})
	for id := uint32(1); id < 4000; {
		// At most 100 at a time, as a client that respects our SETTINGS; every other one is cancelled.
		for range 50 {
			p.must(p.headers(id, true, get()...))
			p.must(p.fr.WriteWindowUpdate(0, 128))
			p.must(p.headers(id+2, true, get()...))
			p.must(p.fr.WriteRSTStream(id+2, xhttp2.ErrCodeCancel))
			if id%8 == 1 {
				p.must(p.fr.WritePing(false, [8]byte{1}))
			}
			id += 4
		}
		p.must(p.headers(id, true, get()...))
		last := id
		id += 2
		if o := p.until(func(o *outcome) bool { return o.ended[last] }); o.gone || len(o.resets) > 0 {
			t.Fatalf("GOAWAY %s %s, resets %v", o.goAway, o.debug, o.resets)
		}
	}
}

// TestLateFramesAreNotFalseAlarms: a stream that we reset may have a window of small frames on its way.
func TestLateFramesAreNotFalseAlarms(t *testing.T) {
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) { _ = st.WriteHead(413, nil, true) })
	p := rawClient(t, addr)
	for id := uint32(1); id < 20; id += 2 {
		p.must(p.headers(id, false, post()...))
		if o := p.until(func(o *outcome) bool { return len(o.resets) > 0 }); o.gone {
			t.Fatalf("GOAWAY %s", o.debug)
		}
		for range 2000 {
			p.must(p.fr.WriteData(id, false, []byte("small")))
		}
	}
	p.must(p.headers(21, true, get()...))
	if o := p.until(func(o *outcome) bool { return o.ended[21] }); o.gone {
		t.Fatalf("GOAWAY %s", o.debug)
	}
}
