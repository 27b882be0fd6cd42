//go:build linux

package transport

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/descriptors"
)

func TestRelayMovesExactly(t *testing.T) {
	from, source := pair(t)
	defer from.Close()
	to, sink := pair(t)
	defer to.Close()
	if _, err := source.Write([]byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	r := NewRelay(from, to)
	defer r.Close()
	if n, err := r.Next(4); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(sink, got); err != nil || string(got) != "0123" {
		t.Errorf("%q, %v", got, err)
	}
	if err := from.Fill(); err != nil || string(from.Bytes()) != "456789" {
		t.Errorf("%q is left, %v", from.Bytes(), err)
	}
	_ = source.CloseWrite()
	if n, err := r.Next(4); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
}

// TestPipesLeaveTheReserveAlone: what is kept back for probes and the control socket is not for moving bytes.
func TestPipesLeaveTheReserveAlone(t *testing.T) {
	before := openPipes.Load()
	if p := newPipe(descriptors.NewReserve(1)); p != nil {
		p.discard()
		t.Error("a pipe of the reserve")
	}
	if n := openPipes.Load(); n != before {
		t.Errorf("%d pipes are open", n-before)
	}
	p := newPipe(nil)
	if p == nil {
		t.Fatal("no pipe without a reserve")
	}
	p.discard()
}

// TestRelayEndsAtItsDeadline in both directions, and holds no pipe while it waits for bytes.
func TestRelayEndsAtItsDeadline(t *testing.T) {
	from, source := pair(t)
	defer from.Close()
	to, _ := pair(t)
	defer to.Close()
	before := openPipes.Load()
	r := NewRelay(from, to)
	from.Arm(from.Clock().In(Tick))
	if _, err := r.Next(1 << 20); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if r.pipe != nil {
		t.Error("a pipe is held while nothing is in it")
	}
	from.Revive(0)
	go func() {
		for {
			if _, err := io.WriteString(source, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	}()
	to.Arm(to.Clock().In(Tick))
	for {
		if _, err := r.Next(1 << 20); err != nil {
			t.Fatal(err)
		}
		if err := r.Flush(); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			break
		}
	}
	r.Close()
	if n := openPipes.Load(); n > before+1 {
		t.Errorf("%d pipes are open, there were %d", n, before)
	}
}

func TestPipesAreBounded(t *testing.T) {
	var held []*pipe
	for p := takePipe(); p != nil; p = takePipe() {
		held = append(held, p)
	}
	if len(held) == 0 || len(held) > maxPipes {
		t.Errorf("%d pipes at once", len(held))
	}
	for _, p := range held {
		givePipe(p)
	}
	if n := openPipes.Load(); n > idlePipes {
		t.Errorf("%d pipes are kept", n)
	}
}
