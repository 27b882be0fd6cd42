package passive

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

var use = Use{Kind: "lb_traffic_extension", Resource: "x", Chain: "c", Extension: "e"}

// watcher drives records by ticks.
type watcher struct {
	*Records
	now     time.Time
	changes int
}

func newWatcher() *watcher {
	w := &watcher{now: time.Unix(1000, 0)}
	w.Records = New(func() { w.changes++ })
	return w
}

// after lets time pass in ticks.
func (w *watcher) after(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(tick)
		w.Step(w.now)
	}
}

// says is what is said now.
func (w *watcher) says() string {
	var words []string
	for _, f := range w.Failing() {
		words = append(words, f.Chain+"/"+f.Extension+" "+f.Cause+": "+f.Text)
	}
	return strings.Join(words, ", ")
}

func (w *watcher) want(t *testing.T, says string, changes int) {
	t.Helper()
	if got := w.says(); got != says || w.changes != changes {
		t.Errorf("says %q after %d changes, want %q after %d", got, w.changes, says, changes)
	}
}

func TestFailsAndHeals(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	fail := func(n int) {
		for range n {
			r.Failed("connect", "refused")
		}
	}
	r.Worked()
	fail(2)
	w.after(time.Second)
	w.want(t, "", 0) // two may be chance
	fail(1)
	w.after(tick)
	w.want(t, "c/e connect: refused", 1)
	for range 100 { // nothing is said for each exchange
		fail(5)
		w.after(tick)
	}
	w.want(t, "c/e connect: refused", 1)
	r.Worked()
	fail(1)
	w.after(tick)
	w.want(t, "c/e connect: refused", 1)
	r.Worked()
	w.after(tick)
	w.want(t, "", 2)
	fail(3)
	w.after(tick)
	w.want(t, "", 2) // it has been said to work a moment ago
	fail(3)
	w.after(15 * time.Second)
	w.want(t, "c/e connect: refused", 3)
	r.Worked() // one exchange, and no more
	w.after(tick)
	w.want(t, "c/e connect: refused", 3)
	w.after(30 * time.Second)
	w.want(t, "", 4)
	w.after(2 * memory)
	w.want(t, "", 4)
	if w.Step(w.now) || r.watched.Load() {
		t.Error("it is looked at for ever")
	}
	fail(3)
	w.after(tick)
	w.want(t, "c/e connect: refused", 5)
}

// One of two endpoints fails: each exchange is counted, and none is what all of them are.
func TestHalfFails(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	for i := range 10_000 {
		if i%7 < 4 {
			r.Failed("connect", "refused")
		} else {
			r.Worked()
		}
		if i%20 == 0 {
			w.after(tick)
		}
	}
	w.want(t, "", 0)
}

// However badly it flaps, few words are said of it.
func TestFlaps(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	for range 600 {
		for range enough {
			r.Failed("grpc_status", "UNAVAILABLE")
		}
		w.after(tick)
		r.Worked()
		w.after(tick)
	}
	if w.changes == 0 || w.changes > 16 {
		t.Errorf("%d changes in 10 minutes", w.changes)
	}
}

func TestWordOfSilence(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	for range enough {
		r.Failed("tls", "handshake")
	}
	w.after(tick)
	w.want(t, "c/e tls: handshake", 1)
	w.after(memory)
	w.want(t, "", 2) // who is not asked is not said to fail
}

func TestAnotherCause(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	for range enough {
		r.Failed("connect", "refused")
	}
	w.after(tick)
	for i := range 100 {
		r.Failed("tls_certificate", fmt.Sprint("expired ", i))
		w.after(tick)
	}
	if got := w.says(); !strings.HasPrefix(got, "c/e tls_certificate: expired ") || w.changes != 2 {
		t.Errorf("%q after %d changes", got, w.changes)
	}
}

func TestAnotherVersion(t *testing.T) {
	w := newWatcher()
	old := w.Record(use, "1")
	for range enough {
		old.Failed("connect", "refused")
	}
	w.after(tick)
	if w.Record(use, "1") != old {
		t.Error("the same version has two records")
	}
	next := w.Record(use, "2")
	w.want(t, "", 1)
	old.Failed("connect", "an exchange that ends late")
	w.after(tick)
	w.want(t, "", 1)
	for range enough {
		next.Failed("dns", "no such host")
	}
	w.after(tick)
	w.want(t, "c/e dns: no such host", 2)
}

func TestNothingToTell(*testing.T) {
	var none *Records
	r := none.Record(use, "1")
	r.Failed("connect", "refused")
	r.Worked()
	_ = none.Failing()
}

func TestLongTexts(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	for range enough {
		r.Failed("grpc_status", strings.Repeat("ü", 1000)+"\xff")
	}
	w.after(tick)
	if text := w.Failing()[0].Text; len(text) > maxText+3 || !utf8.ValidString(text) {
		t.Errorf("%d bytes, %q", len(text), text)
	}
}

// Records of versions that nobody uses any more are not kept.
func TestManyVersions(t *testing.T) {
	w := newWatcher()
	for i := range 10_000 {
		w.Record(Use{Resource: fmt.Sprint(i)}, "1").Worked()
		if i%1000 == 0 {
			collect()
		}
	}
	collect()
	w.swept = 0
	w.Record(use, "1")
	if n := len(w.all); n > 2000 {
		t.Errorf("%d records", n)
	}
}

func TestConcurrently(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			for range 1000 {
				r.Failed("connect", "refused")
				r.Worked()
				_ = w.Failing()
			}
		})
	}
	for range 100 {
		w.after(memory / 2)
	}
	g.Wait()
}

// An extension that works costs next to nothing.
func BenchmarkWorked(b *testing.B) {
	r := New(func() {}).Record(use, "1")
	b.ReportAllocs()
	for b.Loop() {
		r.Worked()
	}
}

func collect() {
	runtime.GC()
	runtime.GC()
}

// A proxy that refuses another version goes on with the one that it has, which is asked for by nobody again.
func TestAnotherVersionThatIsRefused(t *testing.T) {
	w := newWatcher()
	r := w.Record(use, "1")
	fail := func() {
		for range enough {
			r.Failed("connect", "refused")
		}
		w.after(firstHold)
	}
	fail()
	w.want(t, "c/e connect: refused", 1)
	w.Record(use, "2")
	collect()
	fail()
	w.want(t, "c/e connect: refused", 2)
	r.Worked()
	w.after(longestHold)
	w.want(t, "", 3)
}
