package http2

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// onWait calls a function when somebody has begun to wait on a condition.
type onWait struct {
	*sync.Mutex
	then func()
}

func (l *onWait) Unlock() {
	l.Mutex.Unlock()
	l.then()
}

// TestTheLastWriterTells: a writer that is called when all has ended already finds nothing to do. Who waits for the end of
// it hears of that, too.
func TestTheLastWriterTells(t *testing.T) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	workers := NewWorkers(1, nil)
	defer workers.Close()
	var clock atomic.Int64
	var others atomic.Int32
	o := &output{}
	o.init(near, workers, &clock, &others, func(error) {}, func() {})
	o.closeAfter(nil)
	o.awaitEnd()
	o.mu.Lock()
	o.writing = true // as kick says, before a worker runs
	o.mu.Unlock()
	o.room.L = &onWait{&o.mu, func() { go o.drainJob() }}
	done := make(chan struct{})
	go func() {
		o.awaitEnd()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("nobody told")
	}
}
