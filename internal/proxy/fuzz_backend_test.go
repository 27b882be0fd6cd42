package proxy_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy"
)

// How an input of FuzzBackend is played: a number of so many bits for each choice.
const (
	howClient = iota * 2 // 1.1, 1.0, 2, TLS
	howMethod            // GET, HEAD, POST whole, POST whose second part comes later
	howEnding
	howEarly // one bit
	howH2C   = howEarly + 1
	howRaw   = howEarly + 2 // the bytes are no grammar
	howUsed  = howEarly + 3 // the connection has carried a request before
)

// separator is between segments of what is sent as it is.
const separator = 0x1e

// hostileRig is a proxy before a hostile backend, and what it must not lose.
type hostileRig struct {
	*rig
	backend *hostile
	speaks2 bool
	panics  atomic.Int32
}

func newHostileRig(t testing.TB, protocol lbv1.BackendProtocol) *hostileRig {
	h := &hostileRig{backend: &hostile{}, speaks2: protocol == lbv1.BackendProtocol_H2C}
	c := proxy.Config{Guard: guard.New(nil, func(string) { h.panics.Add(1) })}
	h.rig = startRig(t, c, nil, []string{rawBackend(t, h.backend.serve)}, func(m *model) {
		m.service.Protocol, m.service.Logging = protocol, nil
	})
	return h
}

// FuzzBackend has a backend answer one request with whatever it likes. The client gets an answer that it can read, whole or
// visibly cut, or an error that is the proxy's; what it asks for next on the same connection is answered as itself; the
// process lives, and nothing is left behind.
func FuzzBackend(f *testing.F) {
	for _, s := range hostileSeeds() {
		f.Add(s.how, s.said)
	}
	h1, h2 := newHostileRig(f, lbv1.BackendProtocol_HTTP), newHostileRig(f, lbv1.BackendProtocol_H2C)
	remains := newRemains()
	f.Cleanup(func() { remains.check(f) })
	runs := 0
	f.Fuzz(func(t *testing.T, how uint16, said []byte) {
		r := h1
		if how>>howH2C&1 == 1 {
			r = h2
		}
		s := &script{
			segments: func(uint32) [][]byte { return bytes.Split(said, []byte{separator}) },
			ending:   ending(how >> howEnding & 3), early: how>>howEarly&1 == 1,
			over: make(chan struct{}), answered: make(chan struct{}),
		}
		if r.speaks2 && how>>howRaw&1 == 0 {
			s.segments = func(stream uint32) [][]byte { return framesOf(said, stream) }
		}
		r.probe(t, s, how)
		if runs++; runs%256 == 0 {
			remains.check(t)
		}
	})
}

// probe plays a script and looks what becomes of it.
func (h *hostileRig) probe(t *testing.T, s *script, how uint16) {
	kind := [...]string{"1.1", "1.0", "2", "1.1"}[how>>howClient&3]
	client := callers[kind](t, h.addr)
	now := make(chan struct{})
	close(now)
	defer h.backend.hangUp()
	if how>>howUsed&1 == 1 {
		h.same(t, client, "before", false)
	}
	h.backend.play(s)
	method, more := "GET", (<-chan struct{})(nil)
	switch how >> howMethod & 3 {
	case 1:
		method = "HEAD"
	case 2:
		method, more = "POST", now
	case 3:
		method, more = "POST", s.over
		s.early = true
	}
	got, err := client.call(method, hostilePath, "first, ", "second", more)
	clean(t, kind, got, err)
	<-s.over
	close(s.answered)
	// The backend's connection may be in a state of its own making: an answer is the request's, or the proxy's.
	h.same(t, client, "next", true)
	h.backend.hangUp()
	h.same(t, client, "last", false)
	if n := h.panics.Load(); n > 0 {
		t.Fatal("the proxy has panicked")
	}
}

// same asks for something that is answered with what was asked for.
func (h *hostileRig) same(t *testing.T, client caller, name string, mayFail bool) {
	t.Helper()
	got, err := client.call("GET", "/"+name, "", "", nil)
	switch {
	case mayFail && err == nil && (got.status == 502 || got.status == 503):
	case err != nil || got.status != 200 || got.body != "GET /"+name+" " || got.cut != nil:
		t.Fatalf("/%s: %v, %d %q %v", name, err, got.status, got.body, got.cut)
	}
}

// clean checks what a client got from a hostile backend.
func clean(t *testing.T, kind string, got reply, err error) {
	t.Helper()
	var reset http2.StreamError
	switch {
	case kind == "2" && errors.As(err, &reset):
		if reset.Cause == nil || !strings.Contains(reset.Cause.Error(), "received from peer") {
			t.Fatalf("the client cannot read the answer: %v", err)
		}
	case err != nil:
		t.Fatalf("no answer: %v", err)
	case got.cut != nil && kind != "2" && !errors.Is(got.cut, io.ErrUnexpectedEOF) && !strings.Contains(got.cut.Error(), "reset by peer"):
		t.Fatalf("the client cannot read the body: %v", got.cut)
	case got.status < 200 || got.status > 599:
		t.Fatalf("status %d", got.status)
	}
}

// remains is what a process holds.
type remains struct{ goroutines, files int }

func newRemains() remains { return remains{runtime.NumGoroutine(), openFiles()} }

func openFiles() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

// check waits until there is hardly more than at first: some goroutines and idle connections are kept for use.
func (b remains) check(t testing.TB) {
	eventually(t, "what was begun has ended", func() bool {
		return runtime.NumGoroutine() <= b.goroutines+64 && openFiles() <= b.files+64
	})
}
