package http1

import (
	"bytes"
	"io"
	"math"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Source is what a Body reads from: a transport.Conn.
type Source interface {
	// Bytes is what has been read and not consumed; Fill waits for more and may move it.
	Bytes() []byte
	Consume(n int)
	Fill() error
}

// bodyState is what comes next on the wire.
type bodyState uint8

const (
	inData      bodyState = iota // left bytes of data
	inChunkHead                  // a chunk-size line
	inChunkEnd                   // the CRLF behind a chunk
	inTrailers
	atEnd
)

// Body reads the body of one message from a connection. It implements message.Body; Reset makes it ready.
type Body struct {
	src        Source
	limits     *Limits
	state      bodyState
	chunked    bool
	untilClose bool
	left       int64
	total      int64 // of a chunked body so far
	extensions int
	held       int // bytes of the last chunk, not consumed yet
	err        error
	trailers   header.Map
	closed     func(clean bool)
	of         kind
}

// ResetLength prepares for a body of n bytes. closed, which may be nil, is told by Close whether the body was read to
// its end.
func (b *Body) ResetLength(src Source, n int64, l *Limits, closed func(clean bool)) {
	b.reset(src, l, closed)
	b.left = n
	b.state = inData
	if n == 0 {
		b.state = atEnd
	}
}

// ResetChunked prepares for a chunked body.
func (b *Body) ResetChunked(src Source, l *Limits, closed func(clean bool)) {
	b.reset(src, l, closed)
	b.chunked = true
	b.state = inChunkHead
}

// ResetUntilClose prepares for a body that ends with the connection.
func (b *Body) ResetUntilClose(src Source, l *Limits, closed func(clean bool)) {
	b.reset(src, l, closed)
	b.untilClose = true
	b.state = inData
}

func (b *Body) reset(src Source, l *Limits, closed func(clean bool)) {
	b.trailers.Reset()
	*b = Body{src: src, limits: l, closed: closed, trailers: b.trailers}
}

// OfAnswer says that the body is an answer's, after it was reset: what the grammar allows there, or has recipients overlook, is not
// refused.
func (b *Body) OfAnswer() { b.of = ofAnswer }

var _ message.Body = (*Body)(nil)

// Ready reports whether Next returns without waiting.
func (b *Body) Ready() bool {
	if b.err != nil || b.state == atEnd {
		return true
	}
	unread := b.src.Bytes()[b.held:]
	switch {
	case len(unread) == 0:
		return false
	case b.state == inData:
		return true
	case b.state == inChunkEnd:
		return len(unread) >= 2 && b.lineReady(unread[2:])
	}
	return b.lineReady(unread)
}

// lineReady looks for a whole size line with data behind it, or the end of the body without trailers.
func (b *Body) lineReady(p []byte) bool {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		return false
	}
	if b.state == inTrailers || p[0] == '0' {
		return bytes.HasPrefix(p[i+1:], endOfHead[:2]) || bytes.Contains(p, endOfHead)
	}
	return len(p) > i+1
}

// Whole reports whether a body of known length is entirely in the connection's buffer.
func (b *Body) Whole() bool {
	return b.state == atEnd || b.state == inData && !b.untilClose && !b.chunked && int64(len(b.src.Bytes())-b.held) >= b.left
}

// Next implements message.Body.
func (b *Body) Next() ([]byte, error) {
	if b.held > 0 {
		b.src.Consume(b.held)
		b.held = 0
	}
	for b.err == nil {
		switch b.state {
		case inData:
			return b.data()
		case inChunkHead:
			b.err = b.chunkHead()
		case inChunkEnd:
			b.err = b.chunkEnd()
		case inTrailers:
			b.err = b.readTrailers()
		case atEnd:
			return nil, io.EOF
		}
	}
	return nil, b.err
}

// Unread is how much of a body is still to come whose every byte on the wire is data, and of which nothing is in the
// buffer: it may be moved by other means than Next, which Moved is told of. 0 is any other body.
func (b *Body) Unread() int64 {
	if b.err != nil || b.state != inData || b.chunked || len(b.src.Bytes()) > b.held {
		return 0
	}
	if b.held > 0 {
		b.src.Consume(b.held)
		b.held = 0
	}
	if b.untilClose {
		return math.MaxInt64
	}
	return b.left
}

// Moved says that n bytes, of those that are Unread, have been taken from the connection, and which error came then. It
// returns the error that Next would have.
func (b *Body) Moved(n int64, err error) error {
	b.left -= n
	switch {
	case err == io.EOF && b.untilClose:
		b.state = atEnd
		return io.EOF
	case err != nil:
		b.err = short(err)
	case !b.untilClose && b.left == 0:
		b.state = atEnd
	}
	return b.err
}

// data returns what there is of the current run of data.
func (b *Body) data() ([]byte, error) {
	p := b.src.Bytes()
	if len(p) == 0 {
		if err := b.src.Fill(); err != nil {
			if b.untilClose && err == io.EOF {
				b.state = atEnd
				return nil, io.EOF
			}
			b.err = short(err)
			return nil, b.err
		}
		p = b.src.Bytes()
	}
	if !b.untilClose && int64(len(p)) >= b.left {
		p = p[:b.left]
		b.state = atEnd
		if b.chunked {
			b.state = inChunkEnd
		}
	}
	b.left -= int64(len(p))
	b.held = len(p)
	return p, nil
}

// chunkHead reads SIZE [;extensions] CRLF.
func (b *Body) chunkHead() error {
	line, err := b.line(maxChunkLine)
	if err != nil {
		return err
	}
	size, digits := parseHex(line)
	if digits == 0 || digits > 15 {
		return errChunkSize
	}
	if rest := line[digits:]; len(rest) > 0 && !b.padding(rest) {
		b.extensions += len(rest)
		if b.of == ofAnswer {
			rest = field.Trim(rest)
		}
		if rest[0] != ';' || field.HasControl(rest) || b.extensions > maxExtensionBytes {
			return errChunkExtension
		}
	}
	b.src.Consume(len(line) + 2)
	if size == 0 {
		b.state = inTrailers
		return nil
	}
	b.total += size
	if b.limits.BodyBytes > 0 && b.total > b.limits.BodyBytes {
		return errBodyBytes
	}
	b.left = size
	b.state = inData
	return nil
}

// padding reports whether what is behind a chunk's size is nothing but spaces, as servers write that leave room for longer sizes.
func (b *Body) padding(rest []byte) bool { return b.of == ofAnswer && len(field.Trim(rest)) == 0 }

// line waits for a line of at most limit bytes and returns it without its CRLF. It is not consumed.
func (b *Body) line(limit int) ([]byte, error) {
	for {
		p := b.src.Bytes()
		if i := bytes.IndexByte(p[:min(len(p), limit)], '\n'); i >= 0 {
			if i == 0 || p[i-1] != '\r' {
				return nil, errBareLF
			}
			return p[:i-1], nil
		}
		if len(p) >= limit {
			return nil, errChunkExtension
		}
		if err := b.src.Fill(); err != nil {
			return nil, short(err)
		}
	}
}

// chunkEnd reads the CRLF behind a chunk's data.
func (b *Body) chunkEnd() error {
	for len(b.src.Bytes()) < 2 {
		if p := b.src.Bytes(); len(p) == 1 && p[0] != '\r' {
			return errChunkEnd
		}
		if err := b.src.Fill(); err != nil {
			return short(err)
		}
	}
	if p := b.src.Bytes(); p[0] != '\r' || p[1] != '\n' {
		return errChunkEnd
	}
	b.src.Consume(2)
	b.state = inChunkHead
	return nil
}

// readTrailers reads the trailer section up to its empty line. Fields that frame or route a message are refused there.
func (b *Body) readTrailers() error {
	searched := 0
	for {
		p := b.src.Bytes()
		if len(p) >= 2 && p[0] == '\r' && p[1] == '\n' {
			b.src.Consume(2)
			b.state = atEnd
			return nil
		}
		n, bad := headEnd(p, searched)
		switch {
		case bad != nil && len(p) > 0:
			return bad
		case n > b.limits.HeaderBytes || len(p) > b.limits.HeaderBytes && n == 0:
			return errHeaderBytes
		case n > 0:
			return b.parseTrailers(p[:n])
		}
		searched = len(p)
		if err := b.src.Fill(); err != nil {
			return short(err)
		}
	}
}

func (b *Body) parseTrailers(section []byte) error {
	if bad := parseFields(section, b.limits.HeaderCount, &b.trailers, b.of); bad != nil {
		return bad
	}
	for i := 0; i < b.trailers.Len(); {
		switch id := b.trailers.At(i).ID; {
		case b.of == ofRequest && (field.Framing(id) || id == header.Host):
			return errTrailer
		case field.NotInTrailers(id):
			b.trailers.Del(id)
		default:
			i++
		}
	}
	// The slices stay good: nothing is filled before Close.
	b.src.Consume(len(section))
	b.state = atEnd
	return nil
}

// Trailers implements message.Body.
func (b *Body) Trailers() *header.Map {
	if b.state == atEnd && b.trailers.Len() > 0 {
		return &b.trailers
	}
	return nil
}

// AtEnd reports whether everything was read.
func (b *Body) AtEnd() bool { return b.err == nil && b.state == atEnd }

// Close implements message.Body.
func (b *Body) Close() {
	if b.held > 0 {
		b.src.Consume(b.held)
		b.held = 0
	}
	if b.closed != nil {
		closed := b.closed
		b.closed = nil
		closed(b.AtEnd())
	}
}

// short makes an end of the connection inside a body an error of its own.
func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseHex reads hex digits from the start of p. More than 15 are counted, not added up.
func parseHex(p []byte) (n int64, digits int) {
	for digits < len(p) {
		c := p[digits]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return n, digits
		}
		if digits++; digits <= 15 {
			n = n<<4 | int64(c)
		}
	}
	return n, digits
}
