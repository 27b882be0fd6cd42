package process

import "sync"

// maxLog is how much of the output is kept at least, in bytes; it is cut to that when it is twice as much.
const maxLog = 64 << 10

// Log keeps the end of a stream.
type Log struct {
	mu      sync.Mutex
	kept    []byte
	written int64
}

// Write adds to the end.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written += int64(len(b))
	l.kept = append(l.kept, b...)
	if len(l.kept) > 2*maxLog {
		l.kept = append(l.kept[:0], l.kept[len(l.kept)-maxLog:]...)
	}
	return len(b), nil
}

// Bytes returns a copy of what is kept.
func (l *Log) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.kept...)
}

// From returns a copy of what is kept from an offset of the stream on, and the offset at which more will follow. Offset
// 0, and one beyond the end, which another stream had, mean everything that is kept.
func (l *Log) From(offset int64) (b []byte, next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.written - int64(len(l.kept))
	if offset > l.written {
		offset = first
	}
	return append([]byte(nil), l.kept[max(offset-first, 0):]...), l.written
}

// Tail returns at most the last n bytes.
func (l *Log) Tail(n int) string {
	b := l.Bytes()
	return string(b[max(0, len(b)-n):])
}
