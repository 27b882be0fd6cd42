package transport

import (
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/poison"
)

// Buffer sizes. Most requests and small answers fit the smallest; streamed bodies use the middle one; the largest is
// the ceiling for one message head.
const (
	SmallBuffer  = 4 << 10
	StreamBuffer = 32 << 10
	LargeBuffer  = 128 << 10
)

var (
	smallBuffers  = sync.Pool{New: func() any { return new([SmallBuffer]byte) }}
	streamBuffers = sync.Pool{New: func() any { return new([StreamBuffer]byte) }}
	largeBuffers  = sync.Pool{New: func() any { return new([LargeBuffer]byte) }}
)

// TakeBuffer returns a buffer of at least size bytes, or the largest there is.
func TakeBuffer(size int) []byte {
	switch {
	case size <= SmallBuffer:
		return smallBuffers.Get().(*[SmallBuffer]byte)[:]
	case size <= StreamBuffer:
		return streamBuffers.Get().(*[StreamBuffer]byte)[:]
	}
	return largeBuffers.Get().(*[LargeBuffer]byte)[:]
}

// GiveBuffer takes back what TakeBuffer returned, whole.
func GiveBuffer(b []byte) {
	poison.Fill(b)
	switch len(b) {
	case SmallBuffer:
		smallBuffers.Put((*[SmallBuffer]byte)(b))
	case StreamBuffer:
		streamBuffers.Put((*[StreamBuffer]byte)(b))
	case LargeBuffer:
		largeBuffers.Put((*[LargeBuffer]byte)(b))
	}
}
