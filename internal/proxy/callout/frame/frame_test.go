package frame

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// pieces cuts b into pieces of n bytes.
func pieces(b []byte, n int) func() ([]byte, error) {
	return func() ([]byte, error) {
		if len(b) == 0 {
			return nil, io.EOF
		}
		p := b[:min(n, len(b))]
		b = b[len(p):]
		return p, nil
	}
}

// TestMessagesAreToldApart whatever pieces they come in.
func TestMessagesAreToldApart(t *testing.T) {
	messages := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), 1000), []byte("last")}
	var wire []byte
	for _, m := range messages {
		wire = Append(wire, m)
	}
	for n := 1; n <= len(wire); n++ {
		r, more := Reader{Limit: 1000}, pieces(wire, n)
		for i, want := range messages {
			got, err := r.Next(more)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("pieces of %d: message %d: %q, %v", n, i, got, err)
			}
		}
		if _, err := r.Next(more); err != io.EOF {
			t.Fatalf("pieces of %d: %v at the end", n, err)
		}
	}
}

func TestWhatIsNoMessage(t *testing.T) {
	var large *TooLargeError
	for name, c := range map[string]struct {
		wire []byte
		ok   func(error) bool
	}{
		"compressed":    {[]byte{1, 0, 0, 0, 1, 'x'}, func(err error) bool { return err == ErrCompressed }},
		"too large":     {[]byte{0, 0, 0, 0, 11}, func(err error) bool { return errors.As(err, &large) && large.Size == 11 }},
		"huge":          {[]byte{0, 0xff, 0xff, 0xff, 0xff}, func(err error) bool { return errors.As(err, &large) }},
		"a cut prefix":  {[]byte{0, 0, 0}, func(err error) bool { return err == ErrCutShort }},
		"a cut message": {[]byte{0, 0, 0, 0, 3, 'x'}, func(err error) bool { return err == ErrCutShort }},
		"nothing":       {nil, func(err error) bool { return err == io.EOF }},
	} {
		r := Reader{Limit: 10}
		if _, err := r.Next(pieces(c.wire, 2)); !c.ok(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatus(t *testing.T) {
	fields := func(list ...string) *header.Map {
		m := &header.Map{}
		for pair := range slices.Chunk(list, 2) {
			m.Add([]byte(pair[0]), []byte(pair[1]))
		}
		return m
	}
	for name, c := range map[string]struct {
		fields *header.Map
		want   string
		none   bool
	}{
		"none":          {fields("x", "y"), "", true},
		"no fields":     {nil, "", true},
		"fine":          {fields("grpc-status", "0"), "OK", false},
		"with text":     {fields("grpc-status", "7", "grpc-message", "not%20you%2C%C3%A9%"), "PERMISSION_DENIED: not you,é%", false},
		"bad encoding":  {fields("grpc-status", "14", "grpc-message", "%zz%4"), "UNAVAILABLE: %zz%4", false},
		"no number":     {fields("grpc-status", "x"), "UNKNOWN: grpc-status is no number", false},
		"beyond gRPC's": {fields("grpc-status", "99"), "CODE_99", false},
	} {
		s, ok := StatusOf(c.fields)
		if ok == c.none || ok && s.String() != c.want {
			t.Errorf("%s: %v %v, want %q", name, s, ok, c.want)
		}
	}
}

// FuzzReader: no bytes make it panic, keep more than its limit, or go on for ever.
func FuzzReader(f *testing.F) {
	f.Add(Append(Append(nil, []byte("a")), []byte("bc")), 3)
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 1}, 1)
	f.Fuzz(func(t *testing.T, wire []byte, n int) {
		r, more := Reader{Limit: 64}, pieces(wire, max(n, 1))
		for range len(wire) + 1 {
			msg, err := r.Next(more)
			if err != nil {
				return
			}
			if len(msg) > 64 {
				t.Fatalf("%d bytes", len(msg))
			}
		}
		t.Fatal("more messages than bytes")
	})
}
