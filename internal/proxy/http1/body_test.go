package http1

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// feed is a Source that gives step bytes at a time.
type feed struct {
	rest []byte
	buf  []byte
	step int
}

func (f *feed) Bytes() []byte { return f.buf }

func (f *feed) Consume(n int) { f.buf = f.buf[n:] }

func (f *feed) Fill() error {
	if len(f.rest) == 0 {
		return io.EOF
	}
	n := min(f.step, len(f.rest))
	f.buf = append(append([]byte(nil), f.buf...), f.rest[:n]...)
	f.rest = f.rest[n:]
	return nil
}

func readAll(b *Body) (string, error) {
	var all strings.Builder
	for {
		p, err := b.Next()
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
		if len(p) == 0 {
			return "", errors.New("empty chunk")
		}
		all.Write(p)
	}
}

func TestChunkedBodies(t *testing.T) {
	for _, c := range []struct{ wire, body, left, reason string }{
		{"0\r\n\r\n", "", "", ""},
		{"3\r\nabc\r\n0\r\n\r\nnext", "abc", "next", ""},
		{"00003\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\nnext", "abc0123456789", "next", ""},
		{"3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n", "abc", "", ""},
		{"\r\n", "", "", "invalid_chunk_size"},
		{"g\r\n", "", "", "invalid_chunk_size"},
		{"-1\r\n", "", "", "invalid_chunk_size"},
		{"0x3\r\nabc\r\n", "", "", "invalid_chunk_extension"},
		{"+3\r\nabc\r\n", "", "", "invalid_chunk_size"},
		{" 3\r\nabc\r\n", "", "", "invalid_chunk_size"},
		{"3 \r\nabc\r\n", "", "", "invalid_chunk_extension"},
		{"3\t;a\r\nabc\r\n", "", "", "invalid_chunk_extension"},
		{"3;a\x00\r\nabc\r\n", "", "", "invalid_chunk_extension"},
		{"1234567890abcdef0\r\n", "", "", "invalid_chunk_size"},
		{"3\nabc\r\n0\r\n\r\n", "", "", "bare_lf"},
		{"3\r\nabcd\r\n0\r\n\r\n", "abc", "", "invalid_chunk_end"},
		{"3\r\nabc\n0\r\n\r\n", "abc", "", "invalid_chunk_end"},
		{"3\r\nabc0\r\n\r\n", "abc", "", "invalid_chunk_end"},
		{"3;" + strings.Repeat("x", 300) + "\r\nabc", "", "", "invalid_chunk_extension"},
		{strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\na\r\n", 30), strings.Repeat("a", 20), "", "invalid_chunk_extension"},
		{"0\r\nContent-Length: 3\r\n\r\n", "", "", "invalid_trailer"},
		{"0\r\nHost: a\r\n\r\n", "", "", "invalid_trailer"},
		{"0\r\nX : a\r\n\r\n", "", "", "space_before_colon"},
		{"0\r\nX: a\n\r\n", "", "", "bare_lf"},
		{"0\r\n" + strings.Repeat("X: a\r\n", 101) + "\r\n", "", "", "too_many_headers"},
	} {
		for _, step := range []int{1, 2, 7, 1 << 20} {
			src := &feed{rest: []byte(c.wire), step: step}
			var b Body
			b.ResetChunked(src, &testLimits, nil)
			got, err := readAll(&b)
			var bad *Refusal
			switch {
			case c.reason != "" && (!errors.As(err, &bad) || bad.Reason != c.reason):
				t.Errorf("%.60q by %d: %v, want %s", c.wire, step, err, c.reason)
			case c.reason == "" && err != nil:
				t.Errorf("%.60q by %d: %v", c.wire, step, err)
			}
			if got != c.body {
				t.Errorf("%.60q by %d: body %q, want %q", c.wire, step, got, c.body)
			}
			if left := string(src.buf) + string(src.rest); c.reason == "" && left != c.left {
				t.Errorf("%.60q by %d: left %q, want %q", c.wire, step, left, c.left)
			}
		}
	}
}

func TestTrailers(t *testing.T) {
	src := &feed{rest: []byte("1\r\na\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"), step: 3}
	var b Body
	b.ResetChunked(src, &testLimits, nil)
	if _, err := readAll(&b); err != nil {
		t.Fatal(err)
	}
	tr := b.Trailers()
	if tr == nil || tr.Len() != 2 || string(tr.At(1).Name) != "x-b" || string(tr.At(1).Value) != "2" {
		t.Errorf("%v", tr)
	}
}

// TestTrailersThatWouldActAsHeadersAreDropped: by the same list as in HTTP/2. Those that frame the message are refused (above).
func TestTrailersThatWouldActAsHeadersAreDropped(t *testing.T) {
	src := &feed{rest: []byte("0\r\nAuthorization: a\r\nCookie: b\r\nX-T: c\r\nX-Forwarded-For: d\r\n\r\n"), step: 100}
	var b Body
	b.ResetChunked(src, &testLimits, nil)
	if _, err := readAll(&b); err != nil {
		t.Fatal(err)
	}
	tr := b.Trailers()
	if tr.Len() != 1 || string(tr.At(0).Name) != "x-t" {
		t.Errorf("%d trailers are left", tr.Len())
	}
}

func TestBodiesCutShort(t *testing.T) {
	for _, reset := range []func(*Body, Source){
		func(b *Body, s Source) { b.ResetLength(s, 10, &testLimits, nil) },
		func(b *Body, s Source) { b.ResetChunked(s, &testLimits, nil) },
	} {
		var b Body
		reset(&b, &feed{rest: []byte("5\r\nabc"), step: 100})
		if _, err := readAll(&b); err != io.ErrUnexpectedEOF {
			t.Errorf("%v", err)
		}
		if b.AtEnd() {
			t.Error("at its end")
		}
	}
}

func TestBodyLimit(t *testing.T) {
	l := testLimits
	l.BodyBytes = 5
	var b Body
	b.ResetChunked(&feed{rest: []byte("3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n"), step: 100}, &l, nil)
	if got, err := readAll(&b); err != error(errBodyBytes) || got != "abc" {
		t.Errorf("%q %v", got, err)
	}
}

func TestReadyNeverPromisesTooMuch(t *testing.T) {
	wire := "3\r\nabc\r\n5;x\r\n01234\r\n0\r\nT: 1\r\n\r\n"
	for n := range len(wire) + 1 {
		src := &feed{buf: []byte(wire[:n])}
		var b Body
		b.ResetChunked(src, &testLimits, nil)
		for b.Ready() {
			_, err := b.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%q: ready, then %v", wire[:n], err)
			}
		}
	}
}

// TestUnread is about bodies that are taken from the connection by other means than Next.
func TestUnread(t *testing.T) {
	var b Body
	f := &feed{rest: []byte("0123456789next"), step: 3}
	b.ResetLength(f, 10, &Limits{}, nil)
	if p, err := b.Next(); string(p) != "012" || err != nil {
		t.Fatal(p, err)
	}
	if n := b.Unread(); n != 7 {
		t.Errorf("%d unread", n)
	}
	if err := b.Moved(6, nil); err != nil || b.AtEnd() || b.Unread() != 1 {
		t.Error(err, b.Unread())
	}
	if err := b.Moved(1, nil); err != nil || !b.AtEnd() || b.Unread() != 0 {
		t.Error(err, b.Unread())
	}
	b.ResetLength(f, 10, &Limits{}, nil)
	if err := b.Moved(3, io.EOF); err != io.ErrUnexpectedEOF || b.AtEnd() {
		t.Error(err)
	}
	b.ResetUntilClose(&feed{}, &Limits{}, nil)
	if err := b.Moved(3, io.EOF); err != io.EOF || !b.AtEnd() {
		t.Error(err)
	}
	b.ResetChunked(&feed{}, &Limits{}, nil)
	if b.Unread() != 0 {
		t.Error("chunks have framing in between")
	}
	b.ResetLength(&feed{buf: []byte("0")}, 10, &Limits{}, nil)
	if b.Unread() != 0 {
		t.Error("what is in the buffer comes first")
	}
}
