package http2

import (
	"math"
	"net"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/message"
	xhttp2 "golang.org/x/net/http2"
)

// initialPeerStreams is what we assume of MAX_CONCURRENT_STREAMS until the server's SETTINGS have come: RFC 9113
// section 6.5.2 recommends that it be no smaller.
const initialPeerStreams = 100

// ClientConn is a connection to a backend.
type ClientConn struct {
	conn
	cfg  *ClientConfig
	over chan struct{} // closed when the reader has ended

	// Guarded by conn.mu.
	next      uint32 // number of the next stream; also guarded by out.mu, so that numbers leave in order
	peerMax   uint32
	announced bool // the server has set peerMax
	extended  bool // the server offers extended CONNECT
	settled   bool // the server's SETTINGS have come
	most      int  // streams that the server takes, as far as a refusal has taught; 0 without one
	cancels   int  // streams that we have cancelled since cancelsAt
	cancelsAt int64
	writeErr  error // output has ended
	settledCh chan struct{}
}

// NewClientConn starts a client connection: its reader runs until the connection ends.
func NewClientConn(nc net.Conn, cfg *ClientConfig) *ClientConn {
	cc := &ClientConn{
		cfg: cfg, next: 1, peerMax: initialPeerStreams, over: make(chan struct{}), settledCh: make(chan struct{}),
	}
	cc.init(nc, cc, clientLimits(cfg.Limits), cfg.Workers, cfg.Report)
	cc.out.onError = cc.lastWords
	cc.sendPreface()
	cc.startWatch()
	go func() {
		defer cc.workers.recovery().Recover("backend connection", cc.crashed)
		cc.run()
	}()
	return cc
}

// lastWordsTime bounds the wait for what a server has said that takes no more. It lies in the kernel: what takes time is
// that a reader gets to run.
const lastWordsTime = 10 * time.Second

// lastWords: a server that takes no more may have answered, or said why, before. The reader takes that first; what has not
// left is no matter of this connection any more.
func (cc *ClientConn) lastWords(err error) {
	cc.mu.Lock()
	cc.goneAway = true
	cc.writeErr = err
	cc.dropUnsent(&ConnError{Code: CodeNo, Reason: ReasonPeerGone, Remote: true, Err: err})
	cc.mu.Unlock()
	_ = cc.nc.SetReadDeadline(time.Now().Add(lastWordsTime))
}

func (cc *ClientConn) run() {
	err := cc.firstSettings()
	if err == nil {
		err = cc.readFrames()
	}
	cc.mu.Lock()
	if cc.writeErr != nil && err.Reason == ReasonPeerGone {
		err = &ConnError{Code: CodeNo, Reason: ReasonPeerGone, Remote: true, Err: cc.writeErr}
	}
	cc.mu.Unlock()
	cc.end(err)
	close(cc.over)
}

func (cc *ClientConn) sendPreface() {
	l := &cc.limits
	cc.control(func(b []byte) []byte {
		b = append(b, preface...)
		b = appendSettings(b,
			setting{xhttp2.SettingEnablePush, 0},
			setting{xhttp2.SettingInitialWindowSize, l.StreamWindow},
			setting{xhttp2.SettingMaxHeaderListSize, l.MaxHeaderListBytes})
		if grow := l.ConnWindow - minConnWindow; grow > 0 {
			b = appendWindowUpdate(b, 0, grow)
		}
		return b
	})
}

// Available is how many more streams the connection takes now; 0 when it is going away or closed.
func (cc *ClientConn) Available() int {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	return cc.available()
}

func (cc *ClientConn) available() int {
	if cc.closed != nil || cc.goneAway || cc.next > maxWindow {
		return 0
	}
	most := int(min(cc.peerMax, cc.limits.MaxConcurrentStreams))
	if cc.most > 0 {
		most = min(most, cc.most)
	}
	return max(0, most-len(cc.streams))
}

// Window is how many bytes of a body the server takes now, of a new stream.
func (cc *ClientConn) Window() int {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	return int(max(0, min(cc.sendWindow, cc.peerWindow)))
}

// Room is what a connection can take.
type Room struct {
	// Streams is Available, Over is GoingAway.
	Streams int
	Over    bool
	// Idle: it has carried requests, and carries none.
	Idle bool
}

// Room is Available and GoingAway at once.
func (cc *ClientConn) Room() Room {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	return Room{
		Streams: cc.available(), Over: cc.closed != nil || cc.goneAway || cc.next > maxWindow,
		Idle: len(cc.streams) == 0 && cc.next > 1,
	}
}

// Shared reports whether the connection has carried more than one request, or was told to end. That it takes no more since a write
// failed says nothing.
func (cc *ClientConn) Shared() bool {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	return cc.next > 3 || cc.goneAway && cc.writeErr == nil
}

const (
	// maxCancels cancelled streams within cancelTime end the use of a connection. Servers that guard against rapid resets
	// end a connection themselves after 200 or more, with everybody's requests; those under way here may all be cancelled
	// yet.
	maxCancels = 64
	cancelTime = int64(30 * time.Second)
)

// cancelled counts a stream that we have cancelled.
func (cc *ClientConn) cancelled() {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if now := cc.clock.Load(); now-cc.cancelsAt > cancelTime {
		cc.cancels, cc.cancelsAt = 0, now
	}
	if cc.cancels++; cc.cancels == maxCancels {
		cc.goneAway = true
		cc.endIfDrained()
	}
}

// Streams is the number of streams under way.
func (cc *ClientConn) Streams() int { return int(cc.active.Load()) }

// GoingAway tells that the connection takes no more streams, ever.
func (cc *ClientConn) GoingAway() bool {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	return cc.closed != nil || cc.goneAway || cc.next > maxWindow
}

// Done is closed when the connection has ended and its reader has returned.
func (cc *ClientConn) Done() <-chan struct{} { return cc.over }

// Shutdown takes no more streams; the connection ends with its last one. It returns at once.
func (cc *ClientConn) Shutdown() {
	cc.mu.Lock()
	cc.goneAway = true
	cc.endIfDrained()
	cc.mu.Unlock()
}

// ShutdownIdle is Shutdown for a connection without streams; one that has any stays as it is.
func (cc *ClientConn) ShutdownIdle() bool {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if len(cc.streams) > 0 || cc.goneAway || cc.closed != nil {
		return false
	}
	cc.goneAway = true
	cc.endIfDrained()
	return true
}

// Close ends the connection and its streams now.
func (cc *ClientConn) Close() error {
	cc.fail(connError(CodeNo, ReasonClosed))
	return nil
}

// Open sends the head of a request. An error for which IsRetryable holds means that nothing was sent. With endStream
// the request has no body; otherwise end it with WriteData or WriteTrailers. A request with a Protocol goes as extended
// CONNECT, whatever its method, and waits for the server's SETTINGS first.
func (cc *ClientConn) Open(req *message.Request, endStream bool) (*ClientStream, error) {
	if len(req.Protocol) > 0 {
		if err := cc.awaitExtended(); err != nil {
			return nil, err
		}
	}
	cs := clientStreams.Get().(*ClientStream)
	if err := cc.send(cs, req, endStream); err != nil {
		clientStreams.Put(cs)
		return nil, err
	}
	if endStream {
		cc.out.flush()
	}
	return cs, nil
}

// send registers the stream and appends its HEADERS under one lock, so that numbers reach the server in order.
func (cc *ClientConn) send(cs *ClientStream, req *message.Request, endStream bool) error {
	o := &cc.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return &ConnError{Code: CodeNo, Reason: ReasonPeerGone, Err: o.err, Unprocessed: true}
	}
	cc.mu.Lock()
	if err := cc.admit(); err != nil {
		cc.mu.Unlock()
		return err
	}
	cs.begin(cc, cc.next, req, endStream)
	cc.next += 2
	cc.add(&cs.stream)
	cc.mu.Unlock()
	start := o.beginHeaders()
	method := req.Method
	if len(req.Protocol) > 0 {
		method = textConnect
	}
	o.buf = o.enc.Method(o.buf, method)
	if !cs.connect || len(req.Protocol) > 0 {
		o.buf = o.enc.Scheme(o.buf, req.Scheme)
		o.buf = o.enc.Path(o.buf, req.Path)
	}
	if len(req.Authority) > 0 {
		o.buf = o.enc.Authority(o.buf, req.Authority)
	}
	if len(req.Protocol) > 0 {
		o.buf = o.enc.Protocol(o.buf, req.Protocol)
	}
	o.fields(&req.Header)
	o.endHeaders(start, cs.id, endStream)
	o.opened = cs.id
	return nil
}

// admit tells why no stream can be opened. mu is held.
func (cc *ClientConn) admit() error {
	switch {
	case cc.closed != nil:
		return &ConnError{Code: cc.closed.Code, Reason: cc.closed.Reason, Err: cc.closed.Err, Unprocessed: true}
	case cc.goneAway || cc.next > maxWindow:
		return &StreamError{Code: CodeRefusedStream, Reason: ReasonGoAway, Unprocessed: true}
	case cc.available() == 0:
		return &StreamError{Code: CodeRefusedStream, Reason: ReasonNoCapacity, Unprocessed: true}
	}
	return nil
}

// Settled is closed when the server has said what it takes.
func (cc *ClientConn) Settled() <-chan struct{} { return cc.settledCh }

func (cc *ClientConn) awaitExtended() error {
	select {
	case <-cc.settledCh:
	case <-cc.over:
	}
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.settled && !cc.extended {
		return &StreamError{Code: CodeRefusedStream, Reason: ReasonNoExtendedConn}
	}
	return nil
}

func (cc *ClientConn) idle(id uint32) bool { return id&1 == 0 || id >= cc.next }

// ended: a server that says more than its answer harms nobody but itself, so other streams go on.
func (cc *ClientConn) ended(uint32) bool { return false }

// lastStream is what our GOAWAY names: servers open no streams.
func (cc *ClientConn) lastStream() uint32 { return 0 }

func (cc *ClientConn) opens() bool { return true }

func (cc *ClientConn) onSetting(s setting) *ConnError {
	switch s.id {
	case xhttp2.SettingMaxConcurrentStreams:
		cc.peerMax, cc.announced = s.value, true
	case xhttp2.SettingEnableConnectProtocol:
		if s.value > 1 {
			return connError(CodeProtocol, ReasonBadSettings)
		}
		cc.extended = s.value == 1
	case xhttp2.SettingEnablePush:
		if s.value != 0 {
			return connError(CodeProtocol, ReasonBadSettings)
		}
	}
	return nil
}

func (cc *ClientConn) onSettings() {
	cc.mu.Lock()
	if !cc.settled {
		cc.settled = true
		if !cc.announced {
			cc.peerMax = math.MaxInt32
		}
		close(cc.settledCh)
	}
	cc.mu.Unlock()
}

// onRefused: the server takes fewer streams than it says; if it takes not even one, the connection is about to end, or of no
// use, and what is sent again needs another. mu is held.
func (cc *ClientConn) onRefused() {
	cc.most = max(1, len(cc.streams))
	if len(cc.streams) == 0 {
		cc.goneAway = true
		cc.endIfDrained()
	}
}

func (cc *ClientConn) onRemoved(*stream) {
	if cc.most > 0 {
		cc.most++
	}
	if cc.goneAway {
		cc.endIfDrained()
	}
}

// onGoAway ends the streams that the server will not serve, and lets the others finish.
func (cc *ClientConn) onGoAway(last uint32, code ErrCode) {
	cc.mu.Lock()
	cc.goneAway = true
	for id, st := range cc.streams {
		if id > last {
			cc.drop(st, &StreamError{Code: code, Reason: ReasonGoAway, Remote: true, Unprocessed: true})
		}
	}
	cc.endIfDrained()
	due := cc.credit(0)
	cc.mu.Unlock()
	if due != 0 {
		cc.control(func(b []byte) []byte { return appendWindowUpdate(b, 0, due) })
	}
}

// onHead takes an answer, an informational one, or trailers.
func (cc *ClientConn) onHead(id uint32, h *head, end bool) *ConnError {
	cc.mu.Lock()
	st := cc.streams[id]
	if st == nil {
		idle := cc.idle(id)
		cc.mu.Unlock()
		h.release()
		if idle {
			return connError(CodeProtocol, ReasonStreamID)
		}
		return cc.charge(&cc.floods.other, ReasonUnknownFlood)
	}
	var v verdict
	if st.early {
		v = st.client.takeHead(h, end)
	} else {
		v = st.takeTrailers(h, end)
	}
	if v.reason == "" && st.recvEnd && st.sendEnd {
		cc.finished(st)
	}
	cc.mu.Unlock()
	if v.reason != "" {
		return cc.resetStream(id, v)
	}
	return nil
}

func (v verdict) ok() bool { return v.reason == "" }
