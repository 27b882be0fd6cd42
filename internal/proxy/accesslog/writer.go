package accesslog

import (
	"cmp"
	"io"
	"sync"
	"sync/atomic"
)

// Options of a Writer; zero values mean the defaults.
type Options struct {
	// Buffer is how many bytes may wait to be written; lines past it are dropped. Default 4 MiB. Two such buffers
	// exist, one of which is being written.
	Buffer int
	// Project is the project's id, in log names and labels; ProjectNumber its number, in target projects. Default "0".
	Project, ProjectNumber string
}

// Writer writes lines without ever blocking the request path.
type Writer struct {
	options Options
	out     io.Writer
	scratch sync.Pool // *[]byte

	mu      sync.Mutex
	pending []byte
	spare   []byte
	closed  bool

	wake    chan struct{}
	done    chan struct{}
	written atomic.Uint64
	dropped atomic.Uint64
	failed  atomic.Uint64
}

// NewWriter starts a writer. Close ends it.
func NewWriter(out io.Writer, o Options) *Writer {
	if o.Buffer <= 0 {
		o.Buffer = 4 << 20
	}
	o.Project, o.ProjectNumber = cmp.Or(o.Project, "0"), cmp.Or(o.ProjectNumber, "0")
	w := &Writer{
		options: o,
		out:     out,
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	w.scratch.New = func() any {
		b := make([]byte, 0, 2048)
		return &b
	}
	go w.run()
	return w
}

// Log writes one record, or drops it when the buffer is full. It keeps nothing of the record.
func (w *Writer) Log(p *Policy, r *Record) {
	if w == nil || p == nil {
		return
	}
	line := w.scratch.Get().(*[]byte)
	*line = appendEntry((*line)[:0], p, r, w.options.Project, w.options.ProjectNumber)
	w.enqueue(*line)
	w.scratch.Put(line)
}

func (w *Writer) enqueue(line []byte) {
	w.mu.Lock()
	if w.closed || len(w.pending)+len(line) > w.options.Buffer {
		w.mu.Unlock()
		w.dropped.Add(1)
		return
	}
	idle := len(w.pending) == 0
	w.pending = append(w.pending, line...)
	w.mu.Unlock()
	w.written.Add(1)
	if idle {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// run writes what has gathered, in one call for all of it.
func (w *Writer) run() {
	defer close(w.done)
	for range w.wake {
		for w.flush() {
		}
	}
	for w.flush() {
	}
}

func (w *Writer) flush() bool {
	w.mu.Lock()
	batch := w.pending
	w.pending = w.spare[:0]
	w.spare = nil
	w.mu.Unlock()
	if len(batch) > 0 {
		if _, err := w.out.Write(batch); err != nil {
			w.failed.Add(1)
		}
	}
	w.mu.Lock()
	w.spare = batch[:0]
	more := len(w.pending) > 0
	w.mu.Unlock()
	return more
}

// Lines is the number of lines taken; Dropped those that were not, because the buffer was full; Failed the number of
// writes that returned an error.
func (w *Writer) Lines() uint64 { return w.written.Load() }

// Dropped is the number of lines that found the buffer full.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Failed is the number of writes that returned an error.
func (w *Writer) Failed() uint64 { return w.failed.Load() }

// Close writes what is pending and stops. Later lines are dropped.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	close(w.wake)
	w.mu.Unlock()
	<-w.done
	return nil
}
