package extension

import (
	"io"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Literal is a body that is at hand.
type Literal struct {
	p    []byte
	done bool
}

var _ message.Body = (*Literal)(nil)

// NewLiteral makes one. p must not be changed until the exchange has ended.
func NewLiteral(p []byte) *Literal { return &Literal{p: p} }

// Next implements message.Body.
func (b *Literal) Next() ([]byte, error) {
	if b.done || len(b.p) == 0 {
		return nil, io.EOF
	}
	b.done = true
	return b.p, nil
}

// Ready reports that Next returns at once.
func (b *Literal) Ready() bool { return true }

// Whole reports that one Next returns all.
func (b *Literal) Whole() bool { return true }

// Trailers implements message.Body.
func (b *Literal) Trailers() *header.Map { return nil }

// Close implements message.Body.
func (b *Literal) Close() {}

// Streamed wraps a body of which each piece is changed by itself.
type Streamed struct {
	// Source is the body that is wrapped.
	Source message.Body
	// Piece changes one piece; what it returns may be empty, and is good until its next call. It is called once more with
	// end, and without bytes, when the body has ended.
	Piece func(p []byte, end bool) ([]byte, error)
	// Tail, if set, sees the trailers, also when there are none.
	Tail func(t *Fields) error
	// Policy is the extension's.
	Policy *Policy

	ended    bool
	trailers header.Map
}

var _ message.Body = (*Streamed)(nil)

// Next implements message.Body.
func (b *Streamed) Next() ([]byte, error) {
	for !b.ended {
		p, err := b.Source.Next()
		if err != nil && err != io.EOF {
			return nil, err
		}
		if err == io.EOF {
			b.ended = true
			if err := b.tail(); err != nil {
				return nil, err
			}
		}
		if b.Piece != nil {
			if p, err = b.Piece(p, b.ended); err != nil {
				return nil, err
			}
		}
		if len(p) > 0 {
			return p, nil
		}
	}
	return nil, io.EOF
}

func (b *Streamed) tail() error {
	if t := b.Source.Trailers(); t != nil {
		b.trailers.CopyFrom(t)
	}
	if b.Tail == nil {
		return nil
	}
	return b.Tail(NewTrailers(&b.trailers, b.Policy))
}

// Trailers implements message.Body.
func (b *Streamed) Trailers() *header.Map {
	if b.trailers.Len() == 0 {
		return nil
	}
	return &b.trailers
}

// Close implements message.Body.
func (b *Streamed) Close() {}
