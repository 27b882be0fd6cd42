package hpack

import (
	"bytes"
	"hash/maphash"
	"unsafe"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	xhpack "golang.org/x/net/http2/hpack"
)

// Encoder is the writing half of a connection's compression state. Blocks must reach the peer in the order in which
// they were encoded.
type Encoder struct {
	table table
	seed  maphash.Seed
	// fields and names map a hash to the newest entry with it; a stale or foreign number is found out by comparison.
	// A collision only costs compression.
	fields [indexSlots]uint32
	names  [indexSlots]uint32
	// limit is what the peer allows; lowest is the smallest it was since the last block.
	limit  uint32
	lowest uint32
	update bool
}

const indexSlots = 128

// maxIndexedLen keeps one long value from flushing the table.
const maxIndexedLen = DefaultTableSize / 4

// NewEncoder makes an encoder with the default table.
func NewEncoder() *Encoder {
	return &Encoder{
		table: table{max: DefaultTableSize}, limit: DefaultTableSize, lowest: DefaultTableSize, seed: maphash.MakeSeed(),
	}
}

// SetLimit takes the peer's SETTINGS_HEADER_TABLE_SIZE. More than the default is not used.
func (e *Encoder) SetLimit(size uint32) {
	size = min(size, DefaultTableSize)
	if size == e.limit {
		return
	}
	if !e.update {
		e.lowest = size
	}
	e.lowest = min(e.lowest, size)
	e.limit = size
	e.update = true
}

// Begin starts a block: it tells the peer of a changed table size.
func (e *Encoder) Begin(dst []byte) []byte {
	if !e.update {
		return dst
	}
	e.update = false
	if e.lowest < e.limit {
		// The table is emptied rather than cut to lowest: x/net's decoder takes a second update only when the first
		// has left nothing in the table.
		e.table.setMax(0)
		dst = append(dst, 0x20)
	}
	e.table.setMax(e.limit)
	return appendInt(dst, 0x20, 5, e.limit)
}

// Status appends :status.
func (e *Encoder) Status(dst []byte, status int) []byte {
	switch status {
	case 200:
		return append(dst, 0x80|staticStatus200)
	case 204:
		return append(dst, 0x80|9)
	case 206:
		return append(dst, 0x80|10)
	case 304:
		return append(dst, 0x80|11)
	case 400:
		return append(dst, 0x80|12)
	case 404:
		return append(dst, 0x80|13)
	case 500:
		return append(dst, 0x80|14)
	}
	return append(dst, staticStatus200, 3, byte('0'+status/100%10), byte('0'+status/10%10), byte('0'+status%10))
}

// Method appends :method.
func (e *Encoder) Method(dst, method []byte) []byte {
	switch string(method) {
	case "GET":
		return append(dst, 0x80|staticMethodGet)
	case "POST":
		return append(dst, 0x80|staticMethodPost)
	}
	return appendString(appendInt(dst, 0, 4, staticMethodGet), method)
}

// Scheme appends :scheme.
func (e *Encoder) Scheme(dst, scheme []byte) []byte {
	if string(scheme) == "https" {
		return append(dst, 0x80|staticSchemeTLS)
	}
	return append(dst, 0x80|staticSchemeHTTP)
}

// Path appends :path, which is not indexed: paths repeat too rarely to spend the table on.
func (e *Encoder) Path(dst, path []byte) []byte {
	if len(path) == 1 && path[0] == '/' {
		return append(dst, 0x80|staticPath)
	}
	return appendString(appendInt(dst, 0, 4, staticPath), path)
}

// Authority appends :authority, indexed.
func (e *Encoder) Authority(dst, authority []byte) []byte {
	return e.indexed(dst, header.Other, static[staticAuthority].name, authority, staticAuthority)
}

// Protocol appends :protocol, RFC 8441.
func (e *Encoder) Protocol(dst, protocol []byte) []byte {
	return e.indexed(dst, header.Other, protocolName, protocol, 0)
}

var protocolName = []byte(":protocol")

// Field appends a regular field; its name is lower case.
func (e *Encoder) Field(dst []byte, f *header.Field) []byte {
	switch policyOf(f) {
	case plain:
		return e.literal(dst, 0, f)
	case secret:
		return e.literal(dst, 0x10, f)
	}
	return e.indexed(dst, f.ID, f.Name, f.Value, uint32(staticName[f.ID]))
}

type policy uint8

const (
	index  policy = iota // into the table
	plain                // literal: the value hardly ever repeats
	secret               // literal that no hop may put into a table, RFC 7541 section 7.1.3
)

func policyOf(f *header.Field) policy {
	if len(f.Value) > maxIndexedLen {
		return plain
	}
	switch f.ID {
	case header.Authorization, header.ProxyAuthorization:
		return secret
	case header.Cookie, header.SetCookie:
		if len(f.Value) < shortSecret {
			return secret
		}
		if f.ID == header.SetCookie {
			return plain
		}
	case header.ContentLength, header.Age, header.Location, header.GrpcTimeout, header.GrpcMessage, header.Traceparent,
		header.Tracestate, header.XCloudTraceContext, header.XRequestID, header.XForwardedFor, header.Referer:
		return plain
	case header.Other:
		switch string(f.Name) {
		case "etag", "if-none-match", "if-match", "if-modified-since", "last-modified", "content-range", "range", "expires":
			return plain
		}
	}
	return index
}

// shortSecret is the length below which a cookie could be guessed through the table's effect on sizes.
const shortSecret = 20

func (e *Encoder) literal(dst []byte, kind byte, f *header.Field) []byte {
	if i := staticName[f.ID]; i != 0 && f.ID != header.Other {
		dst = appendInt(dst, kind, 4, uint32(i))
	} else {
		dst = appendString(append(dst, kind), f.Name)
	}
	return appendString(dst, f.Value)
}

func (e *Encoder) indexed(dst []byte, id header.ID, name, value []byte, nameIndex uint32) []byte {
	nameHash := uint32(maphash.Bytes(e.seed, name))
	hash := nameHash*31 ^ uint32(maphash.Bytes(e.seed, value))
	slot := &e.fields[hash%indexSlots]
	if n := *slot; e.table.live(n) {
		if t := e.table.at(n); t.hash == hash && bytes.Equal(e.table.name(t), name) && bytes.Equal(e.table.value(t), value) {
			return appendInt(dst, 0x80, 7, staticLen+e.table.inserted-n+1)
		}
	}
	nameSlot := &e.names[nameHash%indexSlots]
	if nameIndex == 0 {
		if n := *nameSlot; e.table.live(n) && bytes.Equal(e.table.name(e.table.at(n)), name) {
			nameIndex = staticLen + e.table.inserted - n + 1
		}
	}
	if uint32(len(name)+len(value))+entryOverhead > e.table.max {
		dst = appendInt(dst, 0, 4, nameIndex)
	} else {
		dst = appendInt(dst, 0x40, 6, nameIndex)
		e.table.add(id, hash, name, value)
		*slot, *nameSlot = e.table.inserted, e.table.inserted
	}
	if nameIndex == 0 {
		dst = appendHuffman(dst, name)
	}
	return appendHuffman(dst, value)
}

// appendInt appends v with an n-bit prefix below the bits of kind.
func appendInt(dst []byte, kind byte, n uint, v uint32) []byte {
	mask := uint32(1)<<n - 1
	if v < mask {
		return append(dst, kind|byte(v))
	}
	dst = append(dst, kind|byte(mask))
	for v -= mask; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

// appendString appends s as it is: Huffman coding costs more than the bytes it saves, but for what enters the table.
func appendString(dst, s []byte) []byte {
	return append(appendInt(dst, 0, 7, uint32(len(s))), s...)
}

// appendHuffman appends s Huffman-coded if that is shorter.
func appendHuffman(dst, s []byte) []byte {
	text := unsafe.String(unsafe.SliceData(s), len(s)) // read during the calls only
	n := xhpack.HuffmanEncodeLength(text)
	if n >= uint64(len(s)) {
		return appendString(dst, s)
	}
	return xhpack.AppendHuffmanString(appendInt(dst, 0x80, 7, uint32(n)), text)
}
