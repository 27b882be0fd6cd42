package http2

import (
	"net"
	"sync"

	xhttp2 "golang.org/x/net/http2"
)

// Handler serves one stream.
type Handler func(*ServerStream)

// ServerConn is a connection from a client.
type ServerConn struct {
	conn
	cfg     *ServerConfig
	scheme  []byte
	handler Handler
	fresh   []*ServerStream // whose handlers start before the next read; reader only

	// Guarded by conn.mu.
	last     uint32 // the highest stream the client has opened
	recent   recent // streams that the client has ended
	running  int    // handlers
	idleCond sync.Cond
}

// NewServerConn makes a server connection; Serve runs it.
func NewServerConn(nc net.Conn, cfg *ServerConfig) *ServerConn {
	sc := &ServerConn{cfg: cfg, scheme: []byte(cfg.Scheme)}
	if cfg.Scheme == "" {
		sc.scheme = []byte("http")
	}
	sc.init(nc, sc, serverLimits(cfg.Limits), cfg.Workers, cfg.Report)
	sc.in.wait = sc.beforeRead
	sc.idleCond.L = &sc.mu
	return sc
}

// Unread gives back bytes that were read from the connection to find out its protocol. Only before Serve.
func (sc *ServerConn) Unread(p []byte) { sc.in.unread(p) }

// Serve serves the connection until it ends and every handler has returned. The error is never nil; for an orderly
// end it is a *ConnError whose Code is CodeNo.
func (sc *ServerConn) Serve(h Handler) error {
	sc.handler = h
	sc.startWatch()
	err := sc.serve()
	sc.startFresh()
	sc.end(err)
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for sc.running > 0 {
		sc.idleCond.Wait()
	}
	return sc.closed
}

func (sc *ServerConn) serve() *ConnError {
	sc.sendSettings()
	if err := sc.in.need(len(preface)); err != nil {
		return sc.readError(err)
	}
	if string(sc.in.next(len(preface))) != preface {
		return connError(CodeProtocol, ReasonBadPreface)
	}
	if err := sc.firstSettings(); err != nil {
		return err
	}
	return sc.readFrames()
}

func (sc *ServerConn) sendSettings() {
	l := &sc.limits
	settings := []setting{
		{xhttp2.SettingMaxConcurrentStreams, l.MaxConcurrentStreams},
		{xhttp2.SettingInitialWindowSize, l.StreamWindow},
		{xhttp2.SettingMaxHeaderListSize, l.MaxHeaderListBytes},
	}
	if !sc.cfg.NoExtendedConnect {
		settings = append(settings, setting{xhttp2.SettingEnableConnectProtocol, 1})
	}
	sc.control(func(b []byte) []byte {
		b = appendSettings(b, settings...)
		if grow := l.ConnWindow - minConnWindow; grow > 0 {
			b = appendWindowUpdate(b, 0, grow)
		}
		return b
	})
}

// firstSettings takes the frame that must come first, RFC 9113 section 3.4.
func (c *conn) firstSettings() *ConnError {
	if err := c.in.need(frameHeaderLen); err != nil {
		return c.readError(err)
	}
	h := parseFrameHeader(c.in.next(frameHeaderLen))
	if h.typ != frameSettings || h.flags.Has(flagAck) || h.length > maxFrameLen {
		return connError(CodeProtocol, ReasonBadPreface)
	}
	if err := c.in.need(int(h.length)); err != nil {
		return c.readError(err)
	}
	return c.dispatch(h, c.in.next(int(h.length)))
}

// Shutdown drains the connection: streams under way are served, new ones are not taken. It returns at once.
func (sc *ServerConn) Shutdown() { sc.drain() }

// SetLimits changes a connection that lives: the bounds of heads to come, and every time-out but that for SETTINGS. A client that
// was told of a wider bound may learn of a narrower one by a 431.
func (sc *ServerConn) SetLimits(l Limits) { sc.setLimits(serverLimits(l)) }

// Close ends the connection now: streams under way are cut. A connection that is over already, and whose peer still takes
// what was said last, is cut.
func (sc *ServerConn) Close() error {
	sc.mu.Lock()
	over := sc.closed != nil
	sc.mu.Unlock()
	if over {
		sc.cutNow()
		return nil
	}
	sc.fail(connError(CodeNo, ReasonClosed))
	return nil
}

// Crashed ends a connection whose Serve has panicked.
func (sc *ServerConn) Crashed() { sc.crashed() }

// Streams is the number of streams under way.
func (sc *ServerConn) Streams() int { return int(sc.active.Load()) }

// idle: once we have gone away, streams above the last one are neither opened nor idle, RFC 9113 section 6.8.
func (sc *ServerConn) idle(id uint32) bool { return id&1 == 0 || id > sc.last && !sc.goneAway }

func (sc *ServerConn) ended(id uint32) bool { return sc.recent.has(id) }

func (sc *ServerConn) lastStream() uint32 { return sc.last }

func (sc *ServerConn) opens() bool { return false }

func (sc *ServerConn) onSettings() {}

func (sc *ServerConn) onRefused() {}

func (sc *ServerConn) onRemoved(st *stream) {
	if st.endedByPeer() {
		sc.recent.add(st.id)
	}
	sc.endIfDrained()
}

// onGoAway: clients say so when they leave; their streams end as usual.
func (sc *ServerConn) onGoAway(uint32, ErrCode) {}

func (sc *ServerConn) onSetting(s setting) *ConnError {
	if s.id == xhttp2.SettingEnablePush && s.value > 1 {
		return connError(CodeProtocol, ReasonBadSettings)
	}
	return nil
}

// onHead takes a request, or the trailers of one.
func (sc *ServerConn) onHead(id uint32, h *head, end bool) *ConnError {
	sc.mu.Lock()
	if st := sc.streams[id]; st != nil {
		v := st.takeTrailers(h, end)
		if v.reason == "" && st.sendEnd {
			sc.finished(st)
		}
		sc.mu.Unlock()
		if v.reason != "" {
			return sc.resetStream(id, v)
		}
		return nil
	}
	late, ended := id <= sc.last, sc.recent.has(id)
	goneAway := sc.goneAway || sc.closed != nil
	if !goneAway && id&1 == 1 {
		// A new stream closes all lower idle ones, RFC 9113 section 5.1.1.
		sc.last = max(sc.last, id)
	}
	refuse := len(sc.streams) >= int(sc.limits.MaxConcurrentStreams) ||
		sc.running >= 2*int(sc.limits.MaxConcurrentStreams)
	sc.mu.Unlock()
	switch {
	case id&1 == 0:
		h.release()
		return connError(CodeProtocol, ReasonStreamID)
	case ended:
		h.release()
		return connError(CodeStreamClosed, ReasonStreamClosed)
	case late:
		// Trailers of a stream that we reset are legitimate, a request is not.
		isRequest := h.seen != 0
		h.release()
		if isRequest {
			return connError(CodeProtocol, ReasonStreamID)
		}
		return sc.charge(&sc.floods.other, ReasonUnknownFlood)
	case goneAway:
		h.release()
		return sc.charge(&sc.floods.late, ReasonUnknownFlood)
	case refuse:
		h.release()
		return sc.refuseID(id, CodeRefusedStream, ReasonRefused)
	}
	return sc.open(id, h, end)
}

// open starts a handler for a valid request.
func (sc *ServerConn) open(id uint32, h *head, end bool) *ConnError {
	if h.tooLarge {
		return sc.answerTooLarge(id, h, end)
	}
	st := serverStreams.Get().(*ServerStream)
	req := &st.req
	problem := h.request(req, sc.scheme, !sc.cfg.NoExtendedConnect)
	if problem == "" && end && req.ContentLength > 0 {
		problem = "content-length without a body"
	}
	if problem != "" {
		h.release()
		serverStreams.Put(st)
		return sc.refuseID(id, CodeProtocol, ReasonMalformed)
	}
	st.begin(sc, id, h, end)
	sc.mu.Lock()
	sc.add(&st.stream)
	sc.running++
	sc.mu.Unlock()
	if sc.fresh = append(sc.fresh, st); len(sc.fresh) == maxFresh {
		sc.startFresh()
	}
	return nil
}

// maxFresh bounds how many handlers wait for the input at hand to be taken.
const maxFresh = 16

// beforeRead does what has waited for the input at hand to be taken.
func (sc *ServerConn) beforeRead() {
	sc.startFresh()
	sc.out.flushUrgent()
}

// startFresh starts handlers. They start when the frames at hand have been taken, so that a small body is there with
// its head and the exchange needs neither to wait nor to stream.
func (sc *ServerConn) startFresh() {
	for i, st := range sc.fresh {
		sc.fresh[i] = nil
		sc.workers.Run(st.run)
	}
	sc.fresh = sc.fresh[:0]
}

// answerTooLarge answers 431 without a handler.
func (sc *ServerConn) answerTooLarge(id uint32, h *head, end bool) *ConnError {
	h.release()
	o := &sc.out
	o.mu.Lock()
	if o.err == nil && !o.closing {
		start := o.beginHeaders()
		o.buf = o.enc.Status(o.buf, 431)
		o.endHeaders(start, id, true)
		if !end {
			o.reset(id, CodeNo)
		}
		o.urgent = true
	}
	o.mu.Unlock()
	return sc.refused(ReasonHeaderListSize)
}
