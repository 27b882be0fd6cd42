package http2

import (
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

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
