package process

import (
	"bytes"
	"sort"
	"sync"
	"time"
)

// maxLog is how much of the output is kept at least, in bytes; it is cut to that when it is twice as much.
const maxLog = 64 << 10

// Log keeps the end of a stream, and when its lines were begun.
type Log struct {
	mu      sync.Mutex
	kept    []byte
	written int64
	begun   []mark // by offset
	inLine  bool   // the last line has not ended
}

// mark says when the lines were begun that start at an offset of the stream or after it, up to the next mark.
type mark struct {
	offset int64
	at     time.Time
}

// Write adds to the end.
func (l *Log) Write(b []byte) (int, error) { return l.write(b, time.Now()) }

// write adds to the end what was printed at a time.
func (l *Log) write(b []byte, now time.Time) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mark(b, now)
	l.written += int64(len(b))
	l.kept = append(l.kept, b...)
	if len(l.kept) > 2*maxLog {
		l.kept = append(l.kept[:0], l.kept[len(l.kept)-maxLog:]...)
		l.forget()
	}
	return len(b), nil
}

// mark notes when the lines that begin in b did.
func (l *Log) mark(b []byte, now time.Time) {
	if len(b) == 0 {
		return
	}
	first := 0
	if l.inLine {
		if first = bytes.IndexByte(b, '\n') + 1; first == 0 {
			return
		}
	}
	l.inLine = b[len(b)-1] != '\n'
	if first < len(b) {
		l.begun = append(l.begun, mark{l.written + int64(first), now})
	}
}

// forget drops the marks of lines of which nothing is kept.
func (l *Log) forget() {
	first := l.written - int64(len(l.kept))
	n := sort.Search(len(l.begun), func(i int) bool { return l.begun[i].offset > first })
	if n > 1 {
		l.begun = append(l.begun[:0], l.begun[n-1:]...)
	}
}

// Since is the offset of the first line that was begun at a time or later; that of the end if none was.
func (l *Log) Since(at time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := sort.Search(len(l.begun), func(i int) bool { return !l.begun[i].at.Before(at) })
	if n == len(l.begun) {
		return l.written
	}
	return max(l.begun[n].offset, l.written-int64(len(l.kept)))
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
