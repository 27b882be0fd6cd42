package proxy_test

import (
	"bytes"
	"encoding/binary"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// The grammar of a hostile HTTP/2 backend: each operation is a byte and its arguments, a byte each.
const (
	opHeaders  = iota // stream, flags, block
	opData            // stream, flags, length
	opReset           // stream, code
	opGoAway          // stream, code
	opSettings        // flags, which
	opWindow          // stream, increment
	opPing            // flags
	opContinue        // stream, flags, block
	opPush            // stream, block
	opPriority        // stream
	opUnknown         // stream, type, length
	opRaw             // length, bytes
	opPause           // the next frame is a segment of its own
	opRepeat          // times: what the operation before said
	opCount
)

// blocks are header blocks that answers may have, and some that they may not.
var blocks = [][]string{
	{":status", "200"},
	{":status", "200", "content-length", "5"},
	{":status", "200", "trailer", "x-t"},
	{":status", "204"},
	{":status", "204", "content-length", "5"},
	{":status", "304", "content-length", "5"},
	{":status", "100"},
	{":status", "103", "x-soon", "yes"},
	{":status", "101"},
	{":status", "600"},
	{":status", "999"},
	{":status", "099"},
	{":status", "20"},
	{":status", "2000"},
	{":status", "200", ":status", "200"},
	{"x-first", "1", ":status", "200"},
	{"x-none", "1"},
	{":status", "200", ":path", "/"},
	{":status", "200", "X-Upper", "1"},
	{":status", "200", "connection", "close"},
	{":status", "200", "transfer-encoding", "chunked"},
	{":status", "200", "te", "gzip"},
	{":status", "200", "content-length", "5", "content-length", "5"},
	{":status", "200", "content-length", "5, 5"},
	{":status", "200", "content-length", "-1"},
	{":status", "200", "x-split", "a\r\nb: c"},
	{":status", "200", "x-null", "a\x00b"},
	{":status", "200", "x sp", "1"},
	{":status", "200", "", "1"},
	{"x-t", "v"},
	{"grpc-status", "0"},
	{"x-t", "v", ":status", "200"},
	{"content-length", "5"},
	{":status", "200", "x-long", strings.Repeat("a", 20_000)},
	{":status", "200", "x-longer", strings.Repeat("a", 70_000)},
	{":status", "401", "www-authenticate", "Negotiate"},
	{":status", "413", "content-length", "0"},
	{":status", "503", "retry-after", "1"},
	{":status", "200", "upgrade", "websocket", "keep-alive", "1", "proxy-connection", "close"},
	{":status", "200", "content-length", "0"},
}

// settings are what opSettings says.
var settings = []http2.Setting{
	{ID: http2.SettingInitialWindowSize, Val: 0},
	{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1},
	{ID: http2.SettingInitialWindowSize, Val: 1 << 31},
	{ID: http2.SettingMaxFrameSize, Val: 0},
	{ID: http2.SettingMaxFrameSize, Val: 1<<24 - 1},
	{ID: http2.SettingEnablePush, Val: 1},
	{ID: http2.SettingEnablePush, Val: 2},
	{ID: http2.SettingMaxConcurrentStreams, Val: 0},
	{ID: http2.SettingHeaderTableSize, Val: 0},
	{ID: http2.SettingHeaderTableSize, Val: 1<<32 - 1},
	{ID: http2.SettingMaxHeaderListSize, Val: 0},
	{ID: http2.SettingEnableConnectProtocol, Val: 2},
	{ID: 0xff, Val: 7},
}

// encoded encodes header fields without touching the compression state, whatever they hold.
func encoded(fields []string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: true})
	}
	return b.Bytes()
}

// reader takes arguments off a script; there are zeroes behind its end.
type reader struct{ rest []byte }

func (r *reader) next() byte {
	if len(r.rest) == 0 {
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// stream chooses one: mostly that of the request.
func (r *reader) stream(of uint32) uint32 {
	switch r.next() % 8 {
	case 5:
		return 0
	case 6:
		return of + 2
	case 7:
		return of + 1
	case 4:
		return of - 2
	}
	return of
}

// mostSaid bounds what repetitions make of a script.
const mostSaid = 16 << 20

// framesOf makes segments of a script in the grammar, for a request's stream.
func framesOf(script []byte, stream uint32) [][]byte {
	r := &reader{script}
	out := [][]byte{nil}
	var last []byte
	for said := 0; len(r.rest) > 0 && said < mostSaid; said += len(last) {
		op := r.next() % opCount
		switch op {
		case opPause:
			out = append(out, nil)
			continue
		case opRepeat:
			n := int(r.next()) * 8
			out[len(out)-1] = append(out[len(out)-1], bytes.Repeat(last, n)...)
			said += n * len(last)
			continue
		}
		last = r.frame(op, stream)
		out[len(out)-1] = append(out[len(out)-1], last...)
	}
	return out
}

// frame makes one frame, or several where a header block takes them.
func (r *reader) frame(op byte, of uint32) []byte {
	var b bytes.Buffer
	f := http2.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	switch op {
	case opHeaders, opContinue, opPush:
		return r.block(op, of)
	case opData:
		id, flags, n := r.stream(of), r.next(), int(r.next())
		if flags&0x80 != 0 {
			n *= 64
		}
		_ = f.WriteRawFrame(http2.FrameData, http2.Flags(flags&0x2f), id, bytes.Repeat([]byte{'d'}, n))
	case opReset:
		_ = f.WriteRSTStream(r.stream(of), http2.ErrCode(r.next()))
	case opGoAway:
		_ = f.WriteGoAway(r.stream(of), http2.ErrCode(r.next()), nil)
	case opSettings:
		flags, s := r.next(), settings[int(r.next())%len(settings)]
		p := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(nil, uint16(s.ID)), s.Val)
		if flags&2 != 0 {
			p = p[:5]
		}
		_ = f.WriteRawFrame(http2.FrameSettings, http2.Flags(flags&1), 0, p)
	case opWindow:
		id, n := r.stream(of), uint32(r.next())
		_ = f.WriteRawFrame(http2.FrameWindowUpdate, 0, id, binary.BigEndian.AppendUint32(nil, n<<23|n&1))
	case opPing:
		_ = f.WriteRawFrame(http2.FramePing, http2.Flags(r.next()&1), 0, []byte("12345678"))
	case opPriority:
		_ = f.WriteRawFrame(http2.FramePriority, 0, r.stream(of), []byte{0, 0, 0, byte(of), 0})
	case opUnknown:
		id := r.stream(of)
		_ = f.WriteRawFrame(http2.FrameType(r.next()), 0, id, make([]byte, r.next()))
	case opRaw:
		n := min(int(r.next()), len(r.rest))
		b.Write(r.rest[:n])
		r.rest = r.rest[n:]
	}
	return b.Bytes()
}

// block makes HEADERS, CONTINUATION or PUSH_PROMISE. What is too long for a frame goes on in others.
func (r *reader) block(op byte, of uint32) []byte {
	var b bytes.Buffer
	f := http2.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	typ := map[byte]http2.FrameType{opHeaders: http2.FrameHeaders, opContinue: http2.FrameContinuation, opPush: http2.FramePushPromise}[op]
	id, flags, p := r.stream(of), http2.Flags(4), encoded(blocks[int(r.next())%len(blocks)])
	if op == opPush {
		p = append(binary.BigEndian.AppendUint32(nil, of+1), p...)
	} else {
		flags = http2.Flags(r.next() & 0x2d) // END_STREAM, END_HEADERS, PADDED, PRIORITY
	}
	const most = 16384
	for len(p) > most {
		_ = f.WriteRawFrame(typ, flags&^4, id, p[:most])
		p, typ = p[most:], http2.FrameContinuation
	}
	_ = f.WriteRawFrame(typ, flags, id, p)
	return b.Bytes()
}
