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

// TestWritersThatWaitHear: whoever waits because too much lies unsent goes on when it has been written, and gives up when it never will be.
func TestWritersThatWaitHear(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(o *output)
		want    error
	}{
		"it is written": {func(o *output) { o.drainJob() }, nil},
		"the output fails": {func(o *output) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.fail(io.ErrClosedPipe)
		}, errOutputClosed},
		"the output ends": {func(o *output) { o.closeAfter(nil) }, errOutputClosed},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
			go func() { _, _ = io.Copy(io.Discard, far) }()
			workers := NewWorkers(1, nil)
			defer workers.Close()
			var clock atomic.Int64
			var others atomic.Int32
			o := &output{}
			o.init(near, workers, &clock, &others, func(error) {}, func() {})
			o.mu.Lock()
			o.open()
			o.buf = append(o.buf, make([]byte, waitAt)...)
			o.writing = true // somebody writes, and takes its time
			o.mu.Unlock()
			waits := make(chan struct{}, 1)
			o.room.L = &onWait{&o.mu, func() {
				select {
				case waits <- struct{}{}:
				default:
				}
			}}
			done := make(chan error)
			go func() { done <- o.data(&stream{c: &conn{}, id: 1}, []byte("x"), false) }()
			<-waits
			c.happens(o)
			select {
			case err := <-done:
				if err != c.want {
					t.Errorf("%v, want %v", err, c.want)
				}
			case <-time.After(time.Minute):
				t.Fatal("it still waits")
			}
		})
	}
}
