package http2

import (
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// ticked is a server connection whose ticks are the test's.
func ticked(t *testing.T, l Limits, h Handler) (*ServerConn, *rawPeer) {
	l.Tick = time.Hour
	sc, nc, _ := serveOne(t, &ServerConfig{Limits: l}, h)
	p := newRawPeer(t, nc)
	p.must(p.write([]byte(preface)))
	return sc, p
}

// look asks what a tick at a time would lead to.
func (sc *ServerConn) look(at time.Duration) action {
	sc.clock.Store(int64(at))
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return sc.judge(at)
}

// TestWindowDripsAreNoProgress: a peer that opens its window by a byte now and then is as slow as one that does not; one
// that takes its bytes in earnest, if slowly, is left alone.
func TestWindowDripsAreNoProgress(t *testing.T) {
	idle := time.Minute
	for name, tt := range map[string]struct {
		step uint32
		cut  bool
	}{"drips": {1, true}, "slow": {minProgress, false}} {
		t.Run(name, func(t *testing.T) {
			sc, p := ticked(t, Limits{StreamIdleTimeout: idle, SettingsTimeout: time.Hour, HeaderTimeout: time.Hour, IdleTimeout: -1, WriteTimeout: time.Hour, PingTimeout: time.Hour}, func(st *ServerStream) {
				_ = st.WriteHead(200, nil, false)
				_ = st.WriteData(make([]byte, 1<<20), true)
			})
			p.must(p.fr.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0}))
			p.must(p.headers(1, true, get()...))
			waits := func() bool {
				sc.mu.Lock()
				defer sc.mu.Unlock()
				st := sc.streams[1]
				return st != nil && st.blocked != 0 && st.sendWindow == 0
			}
			await(t, waits)
			cut := false
			for at := time.Duration(0); at < 3*idle && !cut; at += idle / 4 {
				cut = len(sc.look(at).reset) > 0
				before := sc.bytesPassed()
				p.must(p.fr.WriteWindowUpdate(1, tt.step))
				await(t, func() bool { return sc.bytesPassed() == before+int64(tt.step) && waits() })
			}
			if cut != tt.cut {
				t.Errorf("cut: %v", cut)
			}
		})
	}
}

// bytesPassed is how much of the connection's window has been used.
func (sc *ServerConn) bytesPassed() int64 {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return minConnWindow - sc.sendWindow
}

// TestIdleEndTakesNoMoreStreams: from the moment that a tick finds a connection idle, no stream is opened on it.
func TestIdleEndTakesNoMoreStreams(t *testing.T) {
	sc, p := ticked(t, Limits{IdleTimeout: time.Hour, SettingsTimeout: 24 * time.Hour, StreamIdleTimeout: -1}, hold)
	p.must(p.fr.WriteSettings())
	await(t, func() bool {
		sc.mu.Lock()
		defer sc.mu.Unlock()
		return sc.watch.timer != nil
	})
	sc.mu.Lock()
	sc.watch.idleSince = -2 * time.Hour
	sc.mu.Unlock()
	sc.tick()
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if !sc.goneAway || sc.closed == nil {
		t.Errorf("gone away %v, closed %v", sc.goneAway, sc.closed)
	}
}
