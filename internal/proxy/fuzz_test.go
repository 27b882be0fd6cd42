package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const smuggled = "a request inside a body reached the backend as a request of its own"

// asksForIt tells whether net/http, too, reads a request for the path that the seeds hide in bodies: edited framing makes it
// a request that follows.
func asksForIt(wire []byte) bool {
	r := bufio.NewReader(bytes.NewReader(wire))
	for {
		// RFC 9112 section 2.2: an empty line before a request is skipped, which net/http leaves to its server.
		if b, _ := r.Peek(2); string(b) == "\r\n" {
			_, _ = r.Discard(2)
		}
		q, err := http.ReadRequest(r)
		if err != nil {
			return false
		}
		if strings.Contains(q.URL.Path, "smuggled") {
			return true
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return false
		}
	}
}

// strictBackend reads requests with net/http and remembers the first that it cannot read, or that was not meant.
type strictBackend struct {
	mu  sync.Mutex
	bad string
}

func (b *strictBackend) complain(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bad == "" {
		b.bad = s
	}
}

func (b *strictBackend) complaint() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.bad
	b.bad = ""
	return s
}

func (b *strictBackend) serve(c *rawConn) {
	for {
		q, err := http.ReadRequest(c.r)
		switch {
		case err == io.EOF || err != nil && strings.Contains(err.Error(), "closed"):
			return
		case err != nil && !strings.Contains(err.Error(), "invalid URL escape"):
			b.complain("the backend cannot read what the proxy sends: " + err.Error())
			return
		case err != nil:
			return
		}
		if strings.Contains(q.URL.Path, "smuggled") {
			b.complain(smuggled)
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

// FuzzConnection sends whatever it likes on one connection. The backend, a strict parser of its own, must be able to read
// everything that gets through; a well-formed client on another connection must get its own answer; and what comes back
// must be a sequence of whole answers.
func FuzzConnection(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 31\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n0\r\nT: v\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"GET http://b/ HTTP/1.0\r\nConnection: keep-alive, x\r\nX: y\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbytes",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	} {
		f.Add([]byte(s))
	}
	backend := &strictBackend{}
	r := newRig(f, []string{rawBackend(f, backend.serve)}, nil)
	f.Fuzz(func(t *testing.T, wire []byte) {
		nc, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = nc.Close() }()
		_ = nc.SetDeadline(time.Now().Add(patience))
		_, _ = nc.Write(wire)
		_ = nc.(*net.TCPConn).CloseWrite()
		back, err := io.ReadAll(nc)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatal("the connection hangs")
		}
		checkAnswers(t, wire, back)
		if s := backend.complaint(); s != "" && !(s == smuggled && asksForIt(wire)) {
			t.Fatal(s)
		}
	})
}

// checkAnswers reads what came back as answers to an HTTP/1 client. The last may be cut short.
func checkAnswers(t *testing.T, wire, back []byte) {
	t.Helper()
	if bytes.HasPrefix(wire, []byte("PRI")) {
		return
	}
	rest := bufio.NewReader(bytes.NewReader(back))
	for {
		if _, err := rest.Peek(1); err != nil {
			return
		}
		method := "GET"
		if bytes.Contains(wire, []byte("HEAD")) {
			return // which answer is to a HEAD is for the parser under test to say
		}
		res, err := http.ReadResponse(rest, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("the client cannot read %q: %v", back, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return
		}
	}
}
