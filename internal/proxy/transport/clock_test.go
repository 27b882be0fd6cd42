package transport

import (
	"math"
	"net"
	"testing"
	"time"
)

type bell struct{ rung int }

func (b *bell) Expire() { b.rung++ }

// still is a clock that moves by Advance only.
func still() *Clock {
	c := &Clock{}
	c.Advance(time.Second)
	return c
}

func TestTimersFireOnceAndNeverEarly(t *testing.T) {
	c, b := still(), &bell{}
	timer := c.NewTimer(b)
	timer.Arm(c.In(100 * time.Millisecond))
	c.Advance(time.Second + 100*time.Millisecond)
	if b.rung != 0 {
		t.Error("early")
	}
	c.Advance(time.Second + 100*time.Millisecond + Tick)
	c.Advance(time.Minute)
	if b.rung != 1 || !timer.Fired() {
		t.Errorf("rung %d times", b.rung)
	}
	if !timer.Arm(0) || timer.Fired() {
		t.Error("Arm must say that the timer had fired, once")
	}
}

func TestArmMovesADeadline(t *testing.T) {
	c, b := still(), &bell{}
	timer := c.NewTimer(b)
	timer.Arm(c.In(time.Second))
	timer.Arm(c.In(time.Hour))
	c.Advance(time.Minute)
	timer.Arm(0)
	c.Advance(2 * time.Hour)
	if b.rung != 0 {
		t.Error("fired")
	}
}

func TestSlotsAreUsedAgain(t *testing.T) {
	c := still()
	for range 3 * slotsPerBlock {
		c.Release(c.NewTimer(&bell{}))
	}
	if len(c.blocks) != 1 {
		t.Errorf("%d blocks", len(c.blocks))
	}
}

func TestNoDeadline(t *testing.T) {
	c := still()
	if c.In(0) != 0 || c.In(-1) != 0 {
		t.Error("0 and less are no deadline")
	}
}

// TestInSaturates: the longest durations are deadlines far away, not in the past.
func TestInSaturates(t *testing.T) {
	c, b := still(), &bell{}
	timer := c.NewTimer(b)
	for _, d := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, 292 * 365 * 24 * time.Hour} {
		if at := c.In(d); at <= c.Now() {
			t.Errorf("In(%v) is %d", d, at)
		}
		timer.Arm(c.In(d))
	}
	c.Advance(time.Hour)
	if b.rung != 0 {
		t.Error("it has fired")
	}
}

// TestEndedConnectionsWakeNobody: the timer of a connection that has ended belongs to the next one.
func TestEndedConnectionsWakeNobody(t *testing.T) {
	c := still()
	end := func() net.Conn {
		here, there := net.Pipe()
		t.Cleanup(func() { _, _ = here.Close(), there.Close() })
		return here
	}
	a := NewConn(end(), c)
	a.Close()
	b := NewConn(end(), c)
	defer b.Close()
	if a.timer != b.timer {
		t.Fatal("the test wants both to have the same slot")
	}
	b.Arm(c.In(time.Minute))
	a.Wake()
	c.Advance(2 * time.Second)
	if b.Overdue() {
		t.Error("the end of one connection has woken another")
	}
	b.Wake()
	c.Advance(2 * time.Second)
	if !b.Overdue() {
		t.Error("Wake does nothing")
	}
}
