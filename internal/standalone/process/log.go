package process

import "sync"

// maxLog is how much of the output is kept, in bytes.
const maxLog = 64 << 10

// Log keeps the end of a stream.
type Log struct {
	mu   sync.Mutex
	kept []byte
}

// Write adds to the end.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, b...)
	if over := len(l.kept) - maxLog; over > 0 {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	return len(b), nil
}

// Bytes returns a copy of what is kept.
func (l *Log) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.kept...)
}

// Tail returns at most the last n bytes.
func (l *Log) Tail(n int) string {
	b := l.Bytes()
	return string(b[max(0, len(b)-n):])
}
