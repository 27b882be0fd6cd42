package linger

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func pair(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = nc.Close(), peer.Close() })
	return peer.(*net.TCPConn), nc.(*net.TCPConn)
}

func never() bool { return false }

// TestDecisions drives the core without a clock.
func TestDecisions(t *testing.T) {
	l := Limits{Quiet: 1, Stall: 10, Most: 100, Bytes: 50}
	type look struct {
		at         time.Duration
		read, left int
		over, deaf bool
	}
	for name, looks := range map[string][]look{
		"has all":                 {{0, 0, 0, false, false}, {1, 0, 0, true, false}},
		"takes the tail slowly":   {{0, 0, 9, false, false}, {9, 0, 8, false, false}, {18, 0, 7, false, false}, {19, 0, 0, false, false}, {20, 0, 0, true, false}},
		"takes nothing":           {{0, 0, 9, false, false}, {9, 0, 9, false, false}, {10, 0, 9, true, false}},
		"for ever a little":       {{50, 1, 9, false, false}, {59, 1, 8, false, false}, {100, 1, 7, true, false}},
		"floods":                  {{0, 60, 0, false, true}, {1, 0, 0, true, true}},
		"floods before it has it": {{0, 60, 5, false, true}, {9, 0, 5, false, true}, {9, 0, 0, false, true}, {10, 0, 0, true, true}},
	} {
		w := wait{limits: l}
		for i, k := range looks {
			if over := w.over(k.at, k.read, k.left); over != k.over || w.deaf() != k.deaf {
				t.Errorf("%s, look %d: over %v, deaf %v; want %+v", name, i, over, w.deaf(), k)
			}
		}
	}
}

// TestPeerThatTakesTheTailLate: a peer that reads nothing for longer than Quiet, and sends meanwhile, gets all.
func TestPeerThatTakesTheTailLate(t *testing.T) {
	server, client := pair(t)
	sent := 0
	if err := server.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for { // until the kernel takes no more
		n, err := server.Write(make([]byte, 64<<10))
		sent += n
		if err != nil {
			break
		}
	}
	if unacknowledged(server) == 0 {
		t.Skip("the system does not tell what a peer has taken")
	}
	if err := server.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Wait(server, Limits{Quiet: 10 * time.Millisecond, Stall: time.Minute, Most: time.Minute, Bytes: 1 << 20}, never)
		_ = server.Close()
	}()
	for range 20 { // it outlives many times Quiet
		select {
		case <-done:
			t.Fatal("closed before the peer had everything")
		case <-time.After(5 * time.Millisecond):
		}
		if _, err := client.Write([]byte("window update")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.Copy(io.Discard, client)
	if int(got) != sent || err != nil {
		t.Errorf("%d of %d bytes, %v", got, sent, err)
	}
	<-done
}

// TestFlood: input is read up to a bound, and then the connection is kept for its time.
func TestFlood(t *testing.T) {
	server, client := pair(t)
	_ = server.CloseWrite()
	go func() {
		for err := error(nil); err == nil; {
			_, err = client.Write(make([]byte, 64<<10))
		}
	}()
	start := time.Now()
	Wait(server, Limits{Quiet: 200 * time.Millisecond, Stall: time.Minute, Most: time.Minute, Bytes: 10 << 10}, never)
	if d := time.Since(start); d < 200*time.Millisecond {
		t.Errorf("over after %v", d)
	}
	// The socket was not read to its end: there is plenty.
	_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(server, make([]byte, 64<<10)); err != nil {
		t.Error(err)
	}
}

// TestStop: who stops it need not wait.
func TestStop(t *testing.T) {
	server, _ := pair(t)
	stopped := make(chan struct{})
	stop := func() bool {
		select {
		case <-stopped:
			return true
		default:
			return false
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Wait(server, Limits{Quiet: time.Hour, Stall: time.Hour, Most: time.Hour, Bytes: 1}, stop)
	}()
	close(stopped)
	for {
		_ = server.SetReadDeadline(time.Unix(1, 0))
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// TestPeerEnds: the end of the peer's side is the end.
func TestPeerEnds(t *testing.T) {
	server, client := pair(t)
	_ = client.Close()
	Wait(server, Limits{Quiet: time.Hour, Stall: time.Hour, Most: time.Hour, Bytes: 1 << 10}, never)
	if _, err := server.Read(make([]byte, 1)); err == os.ErrDeadlineExceeded {
		t.Error(err)
	}
}
