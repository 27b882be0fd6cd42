package transport

import (
	"io"
	"net"
	"testing"
	"time"
)

// doorbell is a waker that counts.
type doorbell chan struct{}

func (b doorbell) Stir() { b <- struct{}{} }

func (b doorbell) rings(t *testing.T, why string) {
	t.Helper()
	select {
	case <-b:
	case <-time.After(time.Minute):
		t.Fatal("not told: " + why)
	}
}

func (b doorbell) silent(t *testing.T, why string) {
	t.Helper()
	if len(b) > 0 {
		t.Error("told: " + why)
	}
}

// TestDoorman: a waker is told once for each Wait, whether bytes come before or after, and of the end.
func TestDoorman(t *testing.T) {
	d := NewDoorman()
	defer d.Close()
	clock := NewClock()
	defer clock.Stop()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	var peers []net.Conn
	var conns []*Conn
	var bells []doorbell
	for range 3 {
		peer, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		peers, conns, bells = append(peers, peer), append(conns, NewConn(nc, clock)), append(bells, make(doorbell, 8))
		defer func() { _ = peer.Close() }()
	}
	wait := func(i int) {
		t.Helper()
		if !d.Wait(conns[i], bells[i]) {
			t.Fatal("refused")
		}
	}
	for i := range conns {
		wait(i)
	}
	_, _ = io.WriteString(peers[1], "x")
	bells[1].rings(t, "bytes have come")
	_, _ = io.WriteString(peers[1], "y") // nobody waits
	wait(1)
	bells[1].rings(t, "bytes were there")
	_ = peers[2].Close()
	bells[2].rings(t, "the end has come")
	if err := conns[1].Fill(); err != nil {
		t.Fatal(err)
	}
	if d.Wait(conns[1], bells[1]) {
		t.Error("one with unread bytes was taken")
	}
	d.Forget(conns[0], bells[0])
	_, _ = io.WriteString(peers[0], "x")
	wait(0)
	bells[0].rings(t, "it waits again")
	for i := range conns {
		bells[i].silent(t, "once more than it has waited")
		conns[i].Close()
	}
	if len(d.who) != 0 {
		t.Errorf("%d are remembered", len(d.who))
	}
	if d.Wait(conns[0], bells[0]) {
		t.Error("a closed one was taken")
	}
	if (*Doorman)(nil).Wait(conns[0], bells[0]) {
		t.Error("nobody has taken one")
	}
}
