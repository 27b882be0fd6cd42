package accesslog

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
)

func TestWriterWritesEveryLine(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, Options{Project: "42"})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			r := sample()
			for range 250 {
				w.Log(LogEverything(), r)
			}
		})
	}
	wait.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\n"))
	if len(lines) != 1000 || w.Lines() != 1000 || w.Dropped() != 0 {
		t.Errorf("%d lines, %d counted, %d dropped", len(lines), w.Lines(), w.Dropped())
	}
	decode(t, lines[500])
	w.Log(LogEverything(), sample())
	if w.Dropped() != 1 {
		t.Error("a line after Close was not counted as dropped")
	}
}

// stuck blocks its first write until it is let go.
type stuck struct {
	entered, release chan struct{}
	written          bytes.Buffer
	once             sync.Once
}

func (s *stuck) Write(b []byte) (int, error) {
	s.once.Do(func() {
		close(s.entered)
		<-s.release
	})
	return s.written.Write(b)
}

func TestWriterDropsRatherThanBlocks(t *testing.T) {
	out := &stuck{entered: make(chan struct{}), release: make(chan struct{})}
	w := NewWriter(out, Options{Buffer: 10_000})
	w.Log(LogEverything(), sample())
	<-out.entered
	for range 1000 {
		w.Log(LogEverything(), sample())
	}
	if w.Dropped() == 0 || w.Dropped()+w.Lines() != 1001 {
		t.Errorf("%d dropped, %d taken", w.Dropped(), w.Lines())
	}
	close(out.release)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := uint64(bytes.Count(out.written.Bytes(), []byte("\n"))); got != w.Lines() {
		t.Errorf("%d lines written, %d counted", got, w.Lines())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriterCountsFailures(t *testing.T) {
	w := NewWriter(broken{}, Options{})
	w.Log(LogEverything(), sample())
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if w.Failed() != 1 {
		t.Errorf("%d failures", w.Failed())
	}
}

func TestNilWriterAndPolicyLogNothing(t *testing.T) {
	var w *Writer
	w.Log(LogEverything(), sample())
	w = NewWriter(broken{}, Options{})
	w.Log(nil, sample())
	if err := w.Close(); err != nil || w.Lines() != 0 {
		t.Errorf("%d lines, %v", w.Lines(), err)
	}
}

func BenchmarkLog(b *testing.B) {
	w := NewWriter(io.Discard, Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := sample()
		for pb.Next() {
			w.Log(LogEverything(), r)
		}
	})
	_ = w.Close()
}
