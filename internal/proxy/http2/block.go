package http2

import (
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/poison"
)

// blockLen is the unit in which received body bytes are held.
const blockLen = 16 << 10

// block holds received body bytes between the reader and the consumer.
type block struct {
	next *block
	n    int
	data [blockLen]byte
}

var blocks = sync.Pool{New: func() any { return new(block) }}

// queue is a list of blocks.
type queue struct {
	head, tail *block
}

// push copies p to the end.
func (q *queue) push(p []byte) {
	for len(p) > 0 {
		if q.tail == nil || q.tail.n == blockLen {
			b := blocks.Get().(*block)
			b.n, b.next = 0, nil
			if q.tail == nil {
				q.head = b
			} else {
				q.tail.next = b
			}
			q.tail = b
		}
		n := copy(q.tail.data[q.tail.n:], p)
		q.tail.n += n
		p = p[n:]
	}
}

// pop takes the first block; nil when empty.
func (q *queue) pop() *block {
	b := q.head
	if b == nil {
		return nil
	}
	q.head = b.next
	if q.head == nil {
		q.tail = nil
	}
	return b
}

// drop empties the queue and returns how many bytes it held.
func (q *queue) drop() int {
	n := 0
	for b := q.pop(); b != nil; b = q.pop() {
		n += b.n
		poison.Fill(b.data[:])
		blocks.Put(b)
	}
	return n
}
