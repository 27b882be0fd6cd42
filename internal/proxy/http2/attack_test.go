package http2

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestMalformedRequests: requests that an HTTP/1 peer could read differently never reach the handler.
func TestMalformedRequests(t *testing.T) {
	drop := func(name string) []string {
		f := get()
		i := slices.Index(f, name)
		return slices.Delete(f, i, i+2)
	}
	set := func(name, value string) []string {
		f := get()
		f[slices.Index(f, name)+1] = value
		return f
	}
	var addr string
	var ev events
	served := make(chan string, 100)
	addr = listen(t, &ServerConfig{Report: ev.report}, func(st *ServerStream) {
		served <- fmt.Sprintf("%s %s", st.Request().Method, st.Request().Path)
		_ = st.WriteHead(200, nil, true)
	})
	for name, fields := range map[string][]string{
		"no method":                       drop(":method"),
		"no scheme":                       drop(":scheme"),
		"no path":                         drop(":path"),
		"no authority":                    drop(":authority"),
		"empty path":                      set(":path", ""),
		"empty method":                    set(":method", ""),
		"empty authority":                 set(":authority", ""),
		"path without slash":              set(":path", "x"),
		"path with absolute form":         set(":path", "http://a.example/"),
		"asterisk with GET":               set(":path", "*"),
		"path with space":                 set(":path", "/ HTTP/1.1"),
		"path with line break":            set(":path", "/ HTTP/1.1\r\nx: y"),
		"path with fragment":              set(":path", "/#f"),
		"method with space":               set(":method", "GET /x"),
		"method with line break":          set(":method", "GET\r\n"),
		"scheme ftp":                      set(":scheme", "ftp"),
		"authority with user":             set(":authority", "u@a.example"),
		"authority with slash":            set(":authority", "a.example/x"),
		"authority with line break":       set(":authority", "a.example\r\nx: y"),
		"authority with bad port":         set(":authority", "a.example:8x"),
		"authority with two hosts":        set(":authority", "a,b"),
		"authority with port over 65535":  set(":authority", "a:65536"),
		"authority with bad address":      set(":authority", "[:::]"),
		"authority with bad percent":      set(":authority", "a%zz"),
		"authority of a port":             set(":authority", ":80"),
		"authority with stray bracket":    set(":authority", "a]b"),
		"unknown pseudo-header":           get(":foo", "x"),
		"repeated pseudo-header":          append([]string{":method", "GET"}, get()...),
		"pseudo-header after field":       append([]string{"x", "y"}, get()...),
		"status in request":               append([]string{":status", "200"}, get()...),
		"protocol without CONNECT":        append([]string{":protocol", "websocket"}, get()...),
		"plain CONNECT with path":         set(":method", "CONNECT"),
		"upper-case name":                 get("X-Upper", "y"),
		"name with space":                 get("x y", "z"),
		"name with colon":                 get("x:y", "z"),
		"name with line break":            get("x\r\ny", "z"),
		"empty name":                      get("", "z"),
		"value with LF":                   get("x", "y\nz: w"),
		"value with CR":                   get("x", "y\rz"),
		"value with NUL":                  get("x", "y\x00"),
		"value with DEL":                  get("x", "y\x7f"),
		"value with leading space":        get("x", " y"),
		"value with trailing tab":         get("x", "y\t"),
		"connection":                      get("connection", "close"),
		"keep-alive":                      get("keep-alive", "timeout=5"),
		"proxy-connection":                get("proxy-connection", "close"),
		"transfer-encoding":               get("transfer-encoding", "chunked"),
		"upgrade":                         get("upgrade", "h2c"),
		"http2-settings":                  get("http2-settings", "AAMAAABkAAQAAP__"),
		"te other than trailers":          get("te", "gzip"),
		"te trailers and more":            get("te", "trailers, gzip"),
		"host differs":                    get("host", "b.example"),
		"second host differs":             get("host", "a.example", "host", "b.example"),
		"content-length without body":     get("content-length", "5"),
		"content-length not a number":     get("content-length", "5x"),
		"content-length signed":           get("content-length", "+0"),
		"content-length list":             get("content-length", "0, 0"),
		"content-length twice":            get("content-length", "0", "content-length", "0"),
		"content-length too large":        get("content-length", "99999999999999999999"),
		"content-length empty":            get("content-length", ""),
		"host twice, one without :author": append(drop(":authority"), "host", "a.example", "host", "b.example"),
	} {
		t.Run(name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, true, fields...))
			o := p.until(func(o *outcome) bool { return len(o.resets) > 0 || len(o.ended) > 0 })
			if code, ok := o.resets[1]; !ok || code != xhttp2.ErrCodeProtocol || len(o.status) > 0 {
				t.Errorf("not refused: %+v", o)
			}
			select {
			case r := <-served:
				t.Errorf("the handler got %q", r)
			default:
			}
		})
	}
}

// TestWellFormedRequests: what must not be refused.
func TestWellFormedRequests(t *testing.T) {
	addr := listen(t, &ServerConfig{}, echo)
	for name, fields := range map[string][]string{
		"plain":                  get(),
		"te trailers":            get("te", "trailers"),
		"same host":              get("host", "A.example"),
		"host only":              {":method", "GET", ":scheme", "http", ":path", "/", "host", "a.example"},
		"options asterisk":       {":method", "OPTIONS", ":scheme", "http", ":path", "*", ":authority", "a.example"},
		"ipv6 authority":         {":method", "GET", ":scheme", "https", ":path", "/", ":authority", "[::1]:80"},
		"obs-text":               get("x", "\xe4\xf6"),
		"empty value":            get("x", ""),
		"content-length 0":       get("content-length", "0"),
		"query with odd letters": {":method", "GET", ":scheme", "http", ":path", "/a?q={\"x\"}|", ":authority", "a"},
		"connect":                {":method", "CONNECT", ":authority", "a.example:443"},
		"expect":                 get("expect", "100-continue"),
	} {
		t.Run(name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, true, fields...))
			o := p.until(func(o *outcome) bool { return len(o.resets) > 0 || o.ended[1] })
			if o.status[1] != "200" {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestContentLengthMismatch: DATA must add up to what was declared, or the stream is reset and the consumer of the
// body gets an error, never a clean end.
func TestContentLengthMismatch(t *testing.T) {
	type result struct {
		n   int
		err error
	}
	results := make(chan result, 1)
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) {
		b, err := readBody(st.Request().Body)
		results <- result{len(b), err}
		if err == nil {
			_ = st.WriteHead(200, nil, true)
		}
	})
	for _, tt := range []struct {
		name     string
		declared string
		chunks   []string
		trailers bool
		ok       bool
	}{
		{"exact", "6", []string{"abc", "def"}, false, true},
		{"exact with trailers", "6", []string{"abcdef"}, true, true},
		{"short", "6", []string{"abc"}, false, false},
		{"short with trailers", "6", []string{"abc"}, true, false},
		{"long", "4", []string{"abc", "def"}, false, false},
		{"long by one", "0", []string{"a"}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, false, post("content-length", tt.declared)...))
			for i, c := range tt.chunks {
				p.must(p.fr.WriteData(1, !tt.trailers && i == len(tt.chunks)-1, []byte(c)))
			}
			if tt.trailers {
				p.must(p.headers(1, true, "x", "y"))
			}
			o := p.until(func(o *outcome) bool { return len(o.resets) > 0 || o.ended[1] })
			r := <-results
			if ok := r.err == nil && o.status[1] == "200"; ok != tt.ok {
				t.Errorf("read %d bytes, %v; %+v", r.n, r.err, o)
			}
			if !tt.ok && ReasonOf(r.err) != ReasonContentLength {
				t.Errorf("reason %s", ReasonOf(r.err))
			}
		})
	}
}

// TestHeaderListSize: too much is answered 431; the connection lives on.
func TestHeaderListSize(t *testing.T) {
	addr := listen(t, &ServerConfig{Limits: Limits{MaxHeaderListBytes: 2000, MaxHeaderFields: 20}}, echo)
	many := get()
	for i := range 30 {
		many = append(many, fmt.Sprintf("x-%d", i), "")
	}
	for name, fields := range map[string][]string{
		"bytes":  get("x", strings.Repeat("x", 3000)),
		"fields": many,
	} {
		t.Run(name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, true, fields...))
			p.must(p.headers(3, true, get()...))
			o := p.until(func(o *outcome) bool { return o.ended[3] })
			if o.status[1] != "431" || o.status[3] != "200" {
				t.Errorf("%+v", o.status)
			}
		})
	}
}

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

// TestTimeouts: every wait for a peer ends.
func TestTimeouts(t *testing.T) {
	short := 500 * time.Millisecond // what a peer writes at once is there well within it
	for _, tt := range []struct {
		name   string
		limits Limits
		reason Reason
		play   func(t *testing.T, addr string) *rawPeer
	}{
		{"no preface", Limits{SettingsTimeout: short}, ReasonSettingsTimeout, func(t *testing.T, addr string) *rawPeer {
			p := rawClient(t, addr)
			return p
		}},
		{"header block left open", Limits{HeaderTimeout: short}, ReasonHeaderTimeout, func(t *testing.T, addr string) *rawPeer {
			p := rawClient(t, addr)
			p.must(p.fr.WriteSettingsAck())
			p.must(p.fr.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block(get()...)}))
			return p
		}},
		{"headers dripped", Limits{HeaderTimeout: short}, ReasonHeaderTimeout, func(t *testing.T, addr string) *rawPeer {
			p := rawClient(t, addr)
			p.must(p.fr.WriteSettingsAck())
			block := p.block(get()...)
			p.must(p.write([]byte{0, 0, byte(len(block)), byte(xhttp2.FrameHeaders), byte(xhttp2.FlagHeadersEndHeaders), 0, 0, 0, 1}))
			p.must(p.write(block[:3]))
			return p
		}},
		{"settings dripped", Limits{HeaderTimeout: short}, ReasonHeaderTimeout, func(t *testing.T, addr string) *rawPeer {
			p := rawClient(t, addr)
			p.must(p.fr.WriteSettingsAck())
			p.must(p.write([]byte{0, 0, 6, byte(xhttp2.FrameSettings), 0, 0, 0, 0, 0, 1}))
			return p
		}},
		{"idle", Limits{IdleTimeout: short}, ReasonIdle, func(t *testing.T, addr string) *rawPeer {
			p := rawClient(t, addr)
			p.must(p.fr.WriteSettingsAck())
			return p
		}},
		{"ping not answered", Limits{PingInterval: short, PingTimeout: short}, ReasonPingTimeout, func(t *testing.T, addr string) *rawPeer {
			p := rawClient(t, addr)
			p.must(p.fr.WriteSettingsAck())
			p.must(p.headers(1, true, get()...))
			p.fr.AllowIllegalReads = true
			return p
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ev events
			addr := listen(t, &ServerConfig{Limits: tt.limits, Report: ev.report}, hold)
			p := tt.play(t, addr)
			for {
				// Nothing is answered, no PING and no SETTINGS.
				f, err := p.fr.ReadFrame()
				if err != nil {
					break
				}
				if g, ok := f.(*xhttp2.GoAwayFrame); ok && string(g.DebugData()) != string(tt.reason) {
					t.Errorf("GOAWAY %q", g.DebugData())
				}
			}
			if ev.count(tt.reason) != 1 {
				t.Errorf("reported %v, want %s", ev.seen, tt.reason)
			}
		})
	}
}

// TestStreamTimeouts: a stream on which nothing moves, and one whose window never opens, are reset; the connection
// lives on.
func TestStreamTimeouts(t *testing.T) {
	short := 500 * time.Millisecond // the handler begins well within it
	big := func(st *ServerStream) {
		_ = st.WriteHead(200, nil, false)
		_ = st.WriteData(make([]byte, 1<<20), true)
	}
	for _, tt := range []struct {
		name    string
		limits  Limits
		handler Handler
		reason  Reason
	}{
		{"stream idle", Limits{StreamIdleTimeout: short}, hold, ReasonStreamIdle},
		{"window never opens", Limits{StreamIdleTimeout: short}, big, ReasonSlowWindow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ev events
			addr := listen(t, &ServerConfig{Limits: tt.limits, Report: ev.report}, tt.handler)
			p := rawClient(t, addr)
			p.must(p.headers(1, true, get()...))
			o := p.until(func(o *outcome) bool { return len(o.resets) > 0 })
			if o.resets[1] != xhttp2.ErrCodeCancel || o.gone || ev.count(tt.reason) != 1 {
				t.Errorf("%+v, reported %v", o, ev.seen)
			}
		})
	}
}

// TestSlowWrite: a peer that stops reading its socket loses the connection.
func TestSlowWrite(t *testing.T) {
	var ev events
	ended := make(chan error, 1)
	addr := listen(t, &ServerConfig{Limits: Limits{WriteTimeout: 50 * time.Millisecond}, Report: ev.report}, func(st *ServerStream) {
		err := st.WriteHead(200, nil, false)
		for err == nil {
			err = st.WriteData(make([]byte, 64<<10), false)
		}
		ended <- err
	})
	p := rawClient(t, addr, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
	p.must(p.fr.WriteSettingsAck())
	p.must(p.fr.WriteWindowUpdate(0, 1<<30))
	p.must(p.headers(1, true, get()...))
	if err := <-ended; ReasonOf(err) != ReasonSlowWrite || ev.count(ReasonSlowWrite) != 1 {
		t.Errorf("%v, reported %v", err, ev.seen)
	}
}
