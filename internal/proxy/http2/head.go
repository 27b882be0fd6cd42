package http2

import (
	"errors"
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http2/hpack"
	"github.com/spillway-lb/spillway/internal/proxy/poison"
)

// head is one decoded header block: the head of a message, or its trailers. It is an hpack.Sink that validates what
// holds for every block and copies the bytes into an arena of its own, so that it outlives the read buffer. What is
// wrong is noted, not returned, because the block must be decoded to its end to keep the compression state.
type head struct {
	fields header.Map
	arena  []byte

	method, scheme, authority, path, protocol, status []byte

	seen      pseudo // which pseudo-headers came
	malformed string // the first rule that was broken; "" if none
	tooLarge  bool
	cookies   int

	size      uint32
	maxSize   uint32
	maxFields int
}

type pseudo uint8

const (
	pseudoMethod pseudo = 1 << iota
	pseudoScheme
	pseudoAuthority
	pseudoPath
	pseudoProtocol
	pseudoStatus
)

// bombFactor times the limit is where a block is given up and the connection with it: short indexed fields could
// otherwise make us walk through megabytes.
const bombFactor = 4

var errHeaderBomb = errors.New("http2: header list beyond any limit")

var heads = sync.Pool{New: func() any { return &head{arena: make([]byte, 0, 1024)} }}

func newHead(l *Limits) *head {
	h := heads.Get().(*head)
	h.maxSize, h.maxFields = l.MaxHeaderListBytes, l.MaxHeaderFields
	return h
}

// release gives the head's memory back; nothing that pointed into it may be used any more.
func (h *head) release() {
	h.fields.Reset()
	arena := h.arena[:0]
	poison.Fill(arena[:cap(arena)])
	if cap(arena) > 16<<10 {
		arena = make([]byte, 0, 1024)
	}
	*h = head{fields: h.fields, arena: arena}
	heads.Put(h)
}

var _ hpack.Sink = (*head)(nil)

// Field takes one decoded field.
func (h *head) Field(id header.ID, name, value []byte) error {
	h.size += uint32(len(name)+len(value)) + 32
	if h.size > h.maxSize || h.fields.Len() >= h.maxFields {
		h.tooLarge = true
		if h.size > bombFactor*h.maxSize {
			return errHeaderBomb
		}
		return nil
	}
	if h.malformed != "" {
		return nil
	}
	if len(name) > 0 && name[0] == ':' {
		h.pseudo(name, value)
		return nil
	}
	h.regular(id, name, value)
	return nil
}

func (h *head) pseudo(name, value []byte) {
	var which pseudo
	var dst *[]byte
	switch string(name) {
	case ":method":
		which, dst = pseudoMethod, &h.method
	case ":scheme":
		which, dst = pseudoScheme, &h.scheme
	case ":authority":
		which, dst = pseudoAuthority, &h.authority
	case ":path":
		which, dst = pseudoPath, &h.path
	case ":protocol":
		which, dst = pseudoProtocol, &h.protocol
	case ":status":
		which, dst = pseudoStatus, &h.status
	default:
		h.refuse("unknown pseudo-header")
		return
	}
	if h.seen&which != 0 {
		h.refuse("repeated pseudo-header")
		return
	}
	if h.fields.Len() > 0 {
		h.refuse("pseudo-header after a field")
		return
	}
	h.seen |= which
	*dst = h.copy(value)
}

func (h *head) regular(id header.ID, name, value []byte) {
	switch {
	case id == header.Other && !field.ValidName(name):
		h.refuse("invalid field name")
		return
	case !field.ValidValue(value):
		h.refuse("invalid field value")
		return
	case field.ConnectionSpecific(id):
		h.refuse("connection-specific field")
		return
	case id == header.TE && !field.EqualFold(value, textTrailers):
		h.refuse("te other than trailers")
		return
	case id == header.Cookie:
		h.cookies++
	}
	if id != header.Other {
		h.fields.AddID(id, h.copy(value))
		return
	}
	h.fields.Add(h.copy(name), h.copy(value))
}

var (
	textTrailers  = []byte("trailers")
	textConnect   = []byte("CONNECT")
	textSeparator = []byte("; ")
)

func (h *head) refuse(why string) {
	if h.malformed == "" {
		h.malformed = why
	}
}

// copy puts p into the arena. A full arena is left to the slices that point into it.
func (h *head) copy(p []byte) []byte {
	if len(p) == 0 {
		return nil
	}
	if cap(h.arena)-len(h.arena) < len(p) {
		h.arena = make([]byte, 0, max(2*cap(h.arena), len(p)))
	}
	start := len(h.arena)
	h.arena = append(h.arena, p...)
	return h.arena[start:len(h.arena):len(h.arena)]
}

// joinCookies makes one field of several, RFC 9113 section 8.2.3.
func (h *head) joinCookies() {
	if h.cookies < 2 {
		return
	}
	var joined []byte
	for i := range h.fields.Len() {
		f := h.fields.At(i)
		if f.ID != header.Cookie {
			continue
		}
		if joined != nil {
			joined = append(joined, textSeparator...)
		}
		joined = append(joined, f.Value...)
	}
	h.fields.SetID(header.Cookie, joined)
}

// contentLength returns the declared length, or -1 without one. Two fields are refused even when they agree.
func (h *head) contentLength() int64 {
	length := int64(-1)
	for i := range h.fields.Len() {
		f := h.fields.At(i)
		if f.ID != header.ContentLength {
			continue
		}
		n, ok := field.ParseLength(f.Value)
		if !ok || length >= 0 {
			h.refuse("invalid content-length")
			return -1
		}
		length = n
	}
	return length
}

// trailers checks a block that follows a body.
func (h *head) trailers() {
	if h.seen != 0 {
		h.refuse("pseudo-header in trailers")
	}
	for i := 0; i < h.fields.Len(); {
		if id := h.fields.At(i).ID; field.NotInTrailers(id) {
			h.fields.Del(id)
		} else {
			i++
		}
	}
}
