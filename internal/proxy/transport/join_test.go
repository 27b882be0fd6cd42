package transport

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// TestJoinedWritesKeepTheirOrder covers pieces around the size of a TLS record, on a connection that is no socket.
func TestJoinedWritesKeepTheirOrder(t *testing.T) {
	for _, sizes := range [][3]int{{10, 0, 0}, {10, 20, 2}, {record, 1, 1}, {record - 1, 2, 2}, {10, 3 * record, 2}, {0, record, 0}, {0, 0, 5}, {2 * record, 2 * record, 7}} {
		a, b := net.Pipe()
		clock := NewClock()
		c := NewConn(a, clock)
		var pieces [3][]byte
		var want []byte
		for i, n := range sizes {
			pieces[i] = bytes.Repeat([]byte{byte('a' + i)}, n)
			want = append(want, pieces[i]...)
		}
		failed := make(chan error, 1)
		go func() {
			failed <- c.WriteThree(pieces[0], pieces[1], pieces[2])
			_ = a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes of %d, %v", sizes, len(got), len(want), err)
		}
		if err := <-failed; err != nil {
			t.Error(err)
		}
		c.Close()
		clock.Stop()
	}
}
