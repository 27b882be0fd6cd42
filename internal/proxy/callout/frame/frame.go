package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// PrefixLength is what stands before each message: a byte that says whether it is compressed, and its length.
const PrefixLength = 5

// Begin appends the prefix of a message that follows; End must be called with the buffer when it has been appended, and with the
// length that the buffer had before.
func Begin(dst []byte) []byte { return append(dst, 0, 0, 0, 0, 0) }

// End fills in the prefix that Begin appended at the offset at.
func End(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-PrefixLength))
	return dst
}

// Append appends a whole message.
func Append(dst, message []byte) []byte {
	at := len(dst)
	return End(append(Begin(dst), message...), at)
}

// IsContentType reports whether the content-type of an answer is gRPC's.
func IsContentType(kind []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.ToLower(kind), []byte("application/grpc"))
	return ok && (len(rest) == 0 || rest[0] == '+' || rest[0] == ';')
}

// Why the bytes are no messages.
var (
	// ErrCompressed: nobody asked for compression.
	ErrCompressed = errors.New("a compressed message, though no compression was offered")
	// ErrCutShort: the peer's end came inside a message.
	ErrCutShort = errors.New("the stream ended inside a message")
)

// TooLargeError is a message above the limit. None of it has been kept.
type TooLargeError struct{ Size, Limit uint32 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("a message of %d bytes, more than %d", e.Size, e.Limit)
}

// Reader tells messages apart. It keeps at most one message of Limit bytes.
type Reader struct {
	// Limit is the longest message that is taken, in bytes.
	Limit uint32

	rest []byte // of the piece that came last, not yet used; another's memory
	kept []byte // the part of a prefix or message that is here already
	need int    // length of the whole message with its prefix; 0 before the prefix is whole
}

// Next returns the next message, which is good until it is called again. more gets further bytes, which are good until it is
// called again; its io.EOF is the peer's end.
func (r *Reader) Next(more func() ([]byte, error)) ([]byte, error) {
	r.kept, r.need = r.kept[:0], 0
	for {
		if msg, ok, err := r.take(); ok || err != nil {
			return msg, err
		}
		piece, err := more()
		switch {
		case err == io.EOF && len(r.kept) > 0:
			return nil, ErrCutShort
		case err != nil:
			return nil, err
		}
		r.rest = piece
	}
}

// take completes a message from what is here, or keeps that.
func (r *Reader) take() (msg []byte, ok bool, err error) {
	if r.need == 0 {
		if !r.gather(PrefixLength) {
			return nil, false, nil
		}
		size := binary.BigEndian.Uint32(r.kept[1:])
		switch {
		case r.kept[0] != 0:
			return nil, false, ErrCompressed
		case size > r.Limit:
			return nil, false, &TooLargeError{size, r.Limit}
		}
		r.need = PrefixLength + int(size)
	}
	if !r.gather(r.need) {
		return nil, false, nil
	}
	return r.kept[PrefixLength:], true, nil
}

// gather moves bytes to what is kept until that has n.
func (r *Reader) gather(n int) bool {
	move := min(n-len(r.kept), len(r.rest))
	r.kept = append(r.kept, r.rest[:move]...)
	r.rest = r.rest[move:]
	return len(r.kept) == n
}
