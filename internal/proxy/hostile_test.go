package proxy_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// ending is what becomes of a connection when a hostile script is over.
type ending uint8

const (
	endFIN  ending = iota
	endRST         // with what was not taken lost
	endHalf        // no more is sent; what comes is read
	endKeep        // what comes next is answered as if nothing had been
)

// script is what a hostile backend says to the first request for hostilePath.
type script struct {
	// segments are written one by one. With grammar they are made for the stream that asks.
	segments func(stream uint32) [][]byte
	ending   ending
	// early does not wait for the request's body.
	early bool
	// over is closed when all has been said; answered by the client's side when it has got what it gets.
	over, answered chan struct{}
}

const hostilePath = "/hostile"

// hostile is a backend that plays a script on one request, and answers all others with their method, path and body. It speaks
// HTTP/1, and HTTP/2 with prior knowledge.
type hostile struct {
	mu     sync.Mutex
	script *script
	conns  map[net.Conn]struct{}
}

// play readies the script for the next request that asks for it.
func (h *hostile) play(s *script) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.script = s
}

func (h *hostile) take(path string) *script {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.script
	if s == nil || path != hostilePath {
		return nil
	}
	h.script = nil
	return s
}

// hangUp ends every connection, and returns when they are closed.
func (h *hostile) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		_ = c.Close()
	}
}

func (h *hostile) serve(c *rawConn) {
	h.mu.Lock()
	if h.conns == nil {
		h.conns = map[net.Conn]struct{}{}
	}
	h.conns[c.Conn] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.conns, c.Conn)
		h.mu.Unlock()
	}()
	if first, _ := c.r.Peek(3); string(first) == "PRI" {
		h.serve2(c)
		return
	}
	h.serve1(c)
}

func (h *hostile) serve1(c *rawConn) {
	for {
		q, err := http.ReadRequest(c.r)
		if err != nil {
			return
		}
		s := h.take(q.URL.Path)
		if s == nil || !s.early {
			body, err := io.ReadAll(q.Body)
			if err != nil {
				if s != nil {
					close(s.over)
				}
				return
			}
			if s == nil {
				said := q.Method + " " + q.URL.Path + " " + string(body)
				c.say("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(said)) + "\r\n\r\n")
				if q.Method != "HEAD" {
					c.say(said)
				}
				continue
			}
		}
		if !s.perform(c, 0) {
			return
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
	}
}

// perform says what there is to say. It reports whether the connection goes on.
func (s *script) perform(c *rawConn, stream uint32) bool {
	for _, p := range s.segments(stream) {
		if _, err := c.Write(p); err != nil {
			break
		}
	}
	switch s.ending {
	case endFIN:
		_ = c.Close()
	case endRST:
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	case endHalf:
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}
	close(s.over)
	switch s.ending {
	case endHalf:
		c.gone()
	case endKeep:
		t := time.NewTimer(20 * time.Millisecond)
		defer t.Stop()
		select {
		case <-s.answered:
			return true
		case <-t.C: // the client waits for more
		}
	}
	return false
}

// serve2 answers streams when they have ended, one at a time.
func (h *hostile) serve2(c *rawConn) {
	if _, err := io.ReadFull(c.r, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c.Conn, c.r)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	asked := map[uint32]*http2.MetaHeadersFrame{}
	bodies := map[uint32]*bytes.Buffer{}
	heads := map[uint32]string{}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		id, ended := frame.Header().StreamID, false
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.WriteSettingsAck()
			}
			continue
		case *http2.MetaHeadersFrame:
			ended = frame.StreamEnded()
			if asked[id] == nil {
				asked[id], bodies[id] = frame, &bytes.Buffer{}
				heads[id] = frame.PseudoValue("method") + " " + frame.PseudoValue("path")
			}
		case *http2.DataFrame:
			ended = frame.StreamEnded()
			if b := bodies[id]; b != nil {
				b.Write(frame.Data())
			}
		}
		if bodies[id] == nil {
			continue
		}
		method, path, _ := strings.Cut(heads[id], " ")
		h.mu.Lock()
		early := h.script != nil && h.script.early && path == hostilePath
		h.mu.Unlock()
		if !ended && !early {
			continue
		}
		said := heads[id] + " " + bodies[id].String()
		if s := h.take(path); s != nil {
			if !s.perform(c, id) {
				return
			}
			if !ended {
				bodies[id] = nil
			}
			continue
		}
		bodies[id] = nil
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: status200(), EndHeaders: true, EndStream: method == "HEAD"})
		if method != "HEAD" {
			_ = f.WriteData(id, true, []byte(said))
		}
	}
}
