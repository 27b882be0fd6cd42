package http2

import (
	"encoding/binary"

	xhttp2 "golang.org/x/net/http2"
)

// dispatch acts on one frame; an error ends the connection. Only the reader calls it and what it calls.
func (c *conn) dispatch(h frameHeader, p []byte) *ConnError {
	if c.block.open && h.typ != frameContinuation {
		return connError(CodeProtocol, ReasonFrameOrder)
	}
	c.lastRead.Store(c.clock.Load())
	switch h.typ {
	case frameData:
		return c.onData(h, p)
	case frameHeaders:
		return c.onHeaders(h, p)
	case frameContinuation:
		return c.onContinuation(h, p)
	case frameWindowUpdate:
		return c.onWindowUpdate(h, p)
	case frameSettings:
		return c.onSettings(h, p)
	case framePing:
		return c.onPing(h, p)
	case frameRSTStream:
		return c.onRSTStream(h, p)
	case frameGoAway:
		return c.onGoAway(h, p)
	case framePriority:
		return c.onPriority(h, p)
	case framePushPromise:
		// Clients may not push, and we tell servers not to.
		return connError(CodeProtocol, ReasonProtocol)
	}
	return c.charge(&c.floods.other, ReasonUnknownFlood)
}

// verdict is what a frame for one stream leads to.
type verdict struct {
	code   ErrCode
	reason Reason
	detail string
}

func (c *conn) onData(h frameHeader, p []byte) *ConnError {
	content, ok := unpad(h, p)
	if !ok || h.stream == 0 {
		return connError(CodeProtocol, ReasonProtocol)
	}
	end := h.flags.Has(flagEndStream)
	c.mu.Lock()
	if int64(len(p)) > c.recvWindow {
		c.mu.Unlock()
		return connError(CodeFlowControl, ReasonFlowControl)
	}
	c.recvWindow -= int64(len(p))
	st := c.streams[h.stream]
	if st == nil {
		idle, ended := c.side.idle(h.stream), c.side.ended(h.stream)
		due := c.credit(len(p))
		c.mu.Unlock()
		if ended {
			return connError(CodeStreamClosed, ReasonStreamClosed)
		}
		return c.lateData(idle, due)
	}
	v := st.take(content, len(p), end)
	due := c.credit(len(p) - len(content))
	if v.reason == "" && end && st.sendEnd {
		c.finished(st)
	}
	c.mu.Unlock()
	if due != 0 {
		if err := c.control(func(b []byte) []byte { return appendWindowUpdate(b, 0, due) }); err != nil {
			return err
		}
	}
	if v.reason != "" {
		return c.resetStream(h.stream, v)
	}
	if len(content) == 0 && !end {
		return c.charge(&c.floods.emptyData, ReasonEmptyDataFlood)
	}
	c.floods.received()
	return nil
}

// lateData handles DATA for a stream that is not in the table: of a stream that we reset it is a leftover.
func (c *conn) lateData(idle bool, due uint32) *ConnError {
	if idle {
		return connError(CodeProtocol, ReasonStreamID)
	}
	if due != 0 {
		if err := c.control(func(b []byte) []byte { return appendWindowUpdate(b, 0, due) }); err != nil {
			return err
		}
	}
	return c.charge(&c.floods.late, ReasonUnknownFlood)
}

// take puts received bytes into the stream's mailbox. charged is the frame's length with padding. mu is held.
func (st *stream) take(content []byte, charged int, end bool) verdict {
	c := st.c
	if st.recvEnd {
		c.unacked += int64(len(content))
		return verdict{CodeStreamClosed, ReasonStreamClosed, "DATA after the end"}
	}
	if int64(charged) > st.recvWindow {
		c.unacked += int64(len(content))
		return verdict{CodeFlowControl, ReasonFlowControl, "stream window exceeded"}
	}
	if st.early {
		c.unacked += int64(len(content))
		return verdict{CodeProtocol, ReasonMalformed, "DATA before the head"}
	}
	st.recvWindow -= int64(charged)
	st.unacked += int64(charged - len(content))
	st.activity = c.clock.Load()
	if v := st.count(len(content), end); v.reason != "" {
		c.unacked += int64(len(content))
		return v
	}
	if st.discard {
		c.unacked += int64(len(content))
	} else {
		st.recv.push(content)
	}
	st.recvEnd = end
	st.wake.Broadcast()
	return verdict{}
}

// count compares a body with its declared length. mu is held.
func (st *stream) count(n int, end bool) verdict {
	if st.remaining < 0 {
		return verdict{}
	}
	st.remaining -= int64(n)
	if st.remaining < 0 || end && st.remaining > 0 {
		return verdict{CodeProtocol, ReasonContentLength, "body differs from content-length"}
	}
	return verdict{}
}

// takeTrailers puts a header block that follows a body into the mailbox, and owns h. mu is held.
func (st *stream) takeTrailers(h *head, end bool) verdict {
	h.trailers()
	v := verdict{}
	switch {
	case st.recvEnd:
		v = verdict{CodeStreamClosed, ReasonStreamClosed, "HEADERS after the end"}
	case !end:
		v = verdict{CodeProtocol, ReasonMalformed, "trailers without END_STREAM"}
	case h.tooLarge:
		v = verdict{CodeProtocol, ReasonHeaderListSize, "trailers too large"}
	case h.malformed != "":
		v = verdict{CodeProtocol, ReasonMalformed, h.malformed}
	default:
		v = st.count(0, true)
	}
	if v.reason != "" {
		h.release()
		return v
	}
	st.trailer = h
	st.recvEnd = true
	st.activity = st.c.clock.Load()
	st.wake.Broadcast()
	return v
}

func (c *conn) onWindowUpdate(h frameHeader, p []byte) *ConnError {
	if len(p) != 4 {
		return connError(CodeFrameSize, ReasonFrameSize)
	}
	n := int64(binary.BigEndian.Uint32(p) & (1<<31 - 1))
	if err := c.charge(&c.floods.window, ReasonWindowFlood); err != nil {
		return err
	}
	if h.stream == 0 {
		return c.widen(n)
	}
	c.mu.Lock()
	st := c.streams[h.stream]
	if st == nil {
		idle := c.side.idle(h.stream)
		c.mu.Unlock()
		if idle {
			return connError(CodeProtocol, ReasonStreamID)
		}
		return nil
	}
	v := verdict{}
	switch {
	case n == 0:
		v = verdict{CodeProtocol, ReasonProtocol, "window update of 0"}
	case st.sendWindow+n > maxWindow:
		v = verdict{CodeFlowControl, ReasonFlowControl, "window beyond 2^31-1"}
	default:
		st.sendWindow += n // no activity yet: that is what is sent
		st.wake.Broadcast()
	}
	c.mu.Unlock()
	if v.reason != "" {
		return c.resetStream(h.stream, v)
	}
	return nil
}

// widen opens the connection's send window.
func (c *conn) widen(n int64) *ConnError {
	if n == 0 {
		return connError(CodeProtocol, ReasonProtocol)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendWindow += n
	if c.sendWindow > maxWindow {
		return connError(CodeFlowControl, ReasonFlowControl)
	}
	c.wakeConnWaiters()
	return nil
}

func (c *conn) onSettings(h frameHeader, p []byte) *ConnError {
	if h.stream != 0 {
		return connError(CodeProtocol, ReasonProtocol)
	}
	if h.flags.Has(flagAck) {
		if len(p) != 0 {
			return connError(CodeFrameSize, ReasonFrameSize)
		}
		c.mu.Lock()
		awaited := !c.watch.settingsAcked
		c.watch.settingsAcked = true
		c.mu.Unlock()
		if awaited {
			return nil
		}
		return c.charge(&c.floods.settings, ReasonSettingsFlood)
	}
	if len(p)%6 != 0 {
		return connError(CodeFrameSize, ReasonFrameSize)
	}
	if err := c.charge(&c.floods.settings, ReasonSettingsFlood); err != nil {
		return err
	}
	// The settings hold for everything we send after the acknowledgement.
	c.out.mu.Lock()
	c.mu.Lock()
	var err *ConnError
	for ; len(p) > 0 && err == nil; p = p[6:] {
		err = c.apply(setting{xhttp2.SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])})
	}
	c.mu.Unlock()
	c.out.mu.Unlock()
	if err != nil {
		return err
	}
	if err := c.control(appendSettingsAck); err != nil {
		return err
	}
	c.side.onSettings()
	return nil
}

// apply takes one setting of the peer's. Both locks are held.
func (c *conn) apply(s setting) *ConnError {
	switch s.id {
	case xhttp2.SettingHeaderTableSize:
		c.out.enc.SetLimit(s.value)
	case xhttp2.SettingInitialWindowSize:
		if s.value > maxWindow {
			return connError(CodeFlowControl, ReasonBadSettings)
		}
		delta := int64(s.value) - c.peerWindow
		c.peerWindow = int64(s.value)
		for _, st := range c.streams {
			st.sendWindow += delta
			if st.sendWindow > maxWindow {
				return connError(CodeFlowControl, ReasonBadSettings)
			}
			st.wake.Broadcast()
		}
	case xhttp2.SettingMaxFrameSize:
		if s.value < 16384 || s.value > 1<<24-1 {
			return connError(CodeProtocol, ReasonBadSettings)
		}
	default:
		return c.side.onSetting(s)
	}
	return nil
}

func (c *conn) onPing(h frameHeader, p []byte) *ConnError {
	if len(p) != 8 {
		return connError(CodeFrameSize, ReasonFrameSize)
	}
	if h.stream != 0 {
		return connError(CodeProtocol, ReasonProtocol)
	}
	data := [8]byte(p)
	if h.flags.Has(flagAck) {
		if c.onPingAck(data) {
			return nil
		}
		return c.charge(&c.floods.ping, ReasonPingFlood)
	}
	if err := c.charge(&c.floods.ping, ReasonPingFlood); err != nil {
		return err
	}
	return c.control(func(b []byte) []byte { return appendPing(b, flagAck, data) })
}

func (c *conn) onRSTStream(h frameHeader, p []byte) *ConnError {
	if len(p) != 4 {
		return connError(CodeFrameSize, ReasonFrameSize)
	}
	code := ErrCode(binary.BigEndian.Uint32(p))
	c.mu.Lock()
	st := c.streams[h.stream]
	if st == nil {
		idle := c.side.idle(h.stream)
		c.mu.Unlock()
		if idle {
			return connError(CodeProtocol, ReasonStreamID)
		}
		return c.charge(&c.floods.other, ReasonUnknownFlood)
	}
	why := peerReset(code, st)
	c.drop(st, why)
	if why.Unprocessed {
		c.side.onRefused()
	}
	due := c.credit(0)
	c.mu.Unlock()
	c.out.wake()
	if due != 0 {
		if err := c.control(func(b []byte) []byte { return appendWindowUpdate(b, 0, due) }); err != nil {
			return err
		}
	}
	if !c.side.opens() {
		return c.charge(&c.floods.reset, ReasonRapidReset)
	}
	return nil
}

// peerReset is the error for a stream that the peer has reset. After a complete answer it only means that the rest of
// the request is not wanted; and a request that is being answered was not refused, whatever is said. mu is held.
func peerReset(code ErrCode, st *stream) *StreamError {
	if st.recvEnd {
		return &StreamError{Code: code, Reason: ReasonStopSending, Remote: true}
	}
	if code == CodeRefusedStream && (st.client == nil || st.early) {
		return &StreamError{Code: code, Reason: ReasonRefused, Remote: true, Unprocessed: true}
	}
	return &StreamError{Code: code, Reason: ReasonPeerReset, Remote: true}
}

func (c *conn) onGoAway(h frameHeader, p []byte) *ConnError {
	if len(p) < 8 {
		return connError(CodeFrameSize, ReasonFrameSize)
	}
	if h.stream != 0 {
		return connError(CodeProtocol, ReasonProtocol)
	}
	if err := c.charge(&c.floods.goAway, ReasonGoAwayFlood); err != nil {
		return err
	}
	c.side.onGoAway(binary.BigEndian.Uint32(p)&(1<<31-1), ErrCode(binary.BigEndian.Uint32(p[4:])))
	return nil
}

// dependsOnItself reads the priority that p begins with: a stream error by RFC 7540 section 5.3.1, which RFC 9113 does not
// mention any more.
func dependsOnItself(h frameHeader, p []byte) bool {
	return binary.BigEndian.Uint32(p)&(1<<31-1) == h.stream
}

// onPriority ignores the deprecated scheme but for its rules.
func (c *conn) onPriority(h frameHeader, p []byte) *ConnError {
	if len(p) != 5 {
		return connError(CodeFrameSize, ReasonFrameSize)
	}
	if h.stream == 0 || dependsOnItself(h, p) {
		return connError(CodeProtocol, ReasonProtocol)
	}
	return c.charge(&c.floods.priority, ReasonPriorityFlood)
}
