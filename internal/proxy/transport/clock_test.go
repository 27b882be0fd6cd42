package transport

import (
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
