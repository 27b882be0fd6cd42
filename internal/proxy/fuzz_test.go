package proxy_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const smuggled = "a request inside a body reached the backend as a request of its own"

// requests reads a wire as net/http does.
type requests struct {
	r    *bufio.Reader
	last *http.Request
}

func newRequests(wire []byte) *requests { return &requests{r: bufio.NewReader(bytes.NewReader(wire))} }

func (r *requests) next() (*http.Request, error) {
	if r.last != nil {
		if _, err := io.Copy(io.Discard, r.last.Body); err != nil {
			return nil, err
		}
	}
	// RFC 9112 section 2.2: an empty line before a request is skipped, which net/http leaves to its server.
	if b, _ := r.r.Peek(2); string(b) == "\r\n" {
		_, _ = r.r.Discard(2)
	}
	var err error
	r.last, err = http.ReadRequest(r.r)
	return r.last, err
}

// asksForIt tells whether net/http, too, reads a request for the path that the seeds hide in bodies: edited framing makes it
// a request that follows.
func asksForIt(wire []byte) bool {
	for r := newRequests(wire); ; {
		q, err := r.next()
		if err != nil {
			return false
		}
		if strings.Contains(q.URL.Path, "smuggled") {
			return true
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
		if q.Method == "HEAD" {
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			continue
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
		"HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n",
		"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD /%zz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nHEAD / HTTP/1.1\r\n\r\n",
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

// methods are those that net/http, too, reads in a wire's requests.
func methods(wire []byte) (out []string) {
	for r := newRequests(wire); ; {
		q, err := r.next()
		if err != nil {
			return out
		}
		out = append(out, q.Method)
	}
}

// checkAnswers reads what came back as answers to an HTTP/1 client. The last may be cut short.
func checkAnswers(t *testing.T, wire, back []byte) {
	t.Helper()
	if bytes.HasPrefix(wire, []byte("PRI")) {
		return
	}
	if !readable(back, methods(wire)) {
		t.Fatalf("the client cannot read %q", back)
	}
}

// readable tells whether p is a sequence of answers to the methods. What is refused need not have been read as far as its method,
// and where net/http reads no further than the parser under test, either kind of answer will do.
func readable(p []byte, methods []string) bool {
	if len(p) == 0 {
		return true
	}
	kinds := []string{"GET", "HEAD"}
	if len(methods) > 0 {
		if !bytes.HasPrefix(p, []byte("HTTP/1.1 4")) {
			kinds = methods[:1]
		}
		methods = methods[1:]
	}
	for _, kind := range kinds {
		if rest, ok := skipAnswer(p, kind); ok && readable(rest, methods) {
			return true
		}
	}
	return false
}

// skipAnswer takes the first answer off, with the informational ones before it. One whose body is cut short is the last.
func skipAnswer(p []byte, method string) (rest []byte, ok bool) {
	r := bytes.NewReader(p)
	b := bufio.NewReader(r)
	for {
		res, err := http.ReadResponse(b, &http.Request{Method: method})
		if err != nil {
			return nil, false
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return nil, errors.Is(err, io.ErrUnexpectedEOF)
		}
		if res.StatusCode >= 200 {
			return p[len(p)-r.Len()-b.Buffered():], true
		}
	}
}
