package transport

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Tick is the grain of deadlines: an expiry is never early and at most about one Tick late.
const Tick = 25 * time.Millisecond

// never is the deadline of a timer that is not armed, soon one that has passed already; fired marks a timer whose owner
// has been told.
const (
	never int64 = 0
	soon  int64 = 1
	fired int64 = -1
)

// slotsPerBlock slots are allocated at once, so that a scan walks memory in order.
const slotsPerBlock = 256

// Clock is a coarse clock and the table of armed timers. A tick walks the table, which is cheaper than a heap or a
// wheel as long as nearly every timer is moved many times before it fires: arming is one atomic exchange.
type Clock struct {
	now    atomic.Int64 // nanoseconds since the clock's start, plus one Tick so that it is never 0
	start  time.Time
	mu     sync.Mutex
	blocks []*[slotsPerBlock]Timer
	free   []*Timer
	stop   chan struct{}
	done   chan struct{}
}

// Expirer is told that its timer has fired. It must not block.
type Expirer interface{ Expire() }

// Timer is one slot of the table. The padding keeps two connections from sharing a cache line.
type Timer struct {
	at    atomic.Int64
	mu    sync.Mutex // held while the owner is told
	owner Expirer
	_     [32]byte
}

// NewClock starts a clock. Stop ends it.
func NewClock() *Clock {
	c := &Clock{start: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	c.now.Store(int64(Tick))
	go c.run()
	return c
}

// Stop ends the clock's goroutine; armed timers never fire after it returns.
func (c *Clock) Stop() {
	close(c.stop)
	<-c.done
}

// Now is the coarse time in nanoseconds, good only for comparison with itself and for Arm.
func (c *Clock) Now() int64 { return c.now.Load() }

// In is the deadline d from now; 0 or less is no deadline. A part of a tick counts as one, so nothing fires early.
func (c *Clock) In(d time.Duration) int64 {
	if d <= 0 {
		return never
	}
	now := c.now.Load() + int64(Tick)
	return now + min(int64(d), math.MaxInt64-now)
}

// NewTimer takes a slot of the table for owner.
func (c *Clock) NewTimer(owner Expirer) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.free) == 0 {
		b := new([slotsPerBlock]Timer)
		c.blocks = append(c.blocks, b)
		for i := range b {
			c.free = append(c.free, &b[i])
		}
	}
	t := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	t.mu.Lock()
	t.owner = owner
	t.mu.Unlock()
	t.at.Store(never)
	return t
}

func (c *Clock) setOwner(t *Timer, owner Expirer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owner = owner
}

// Release gives the slot back. The timer must not be used after.
func (c *Clock) Release(t *Timer) {
	t.at.Store(never)
	t.mu.Lock()
	t.owner = nil
	t.mu.Unlock()
	c.mu.Lock()
	c.free = append(c.free, t)
	c.mu.Unlock()
}

// Arm moves the deadline; never (0) disarms. It reports whether the timer had fired since it was last armed; when it
// did, the owner has been told by the time Arm returns.
func (t *Timer) Arm(at int64) bool {
	if t.at.Swap(at) != fired {
		return false
	}
	t.mu.Lock() // wait for an Expire under way
	defer t.mu.Unlock()
	return true
}

// Fired reports whether the deadline has passed and the owner has been told, or is being told.
func (t *Timer) Fired() bool { return t.at.Load() == fired }

func (c *Clock) run() {
	defer close(c.done)
	ticker := time.NewTicker(Tick)
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
			c.Advance(time.Since(c.start) + Tick)
		}
	}
}

// Advance sets the time since the start and fires what is due. Run by the clock itself; exported for tests of time.
func (c *Clock) Advance(since time.Duration) {
	c.now.Store(int64(since))
	c.mu.Lock()
	blocks := c.blocks
	c.mu.Unlock()
	for _, b := range blocks {
		for i := range b {
			t := &b[i]
			if at := t.at.Load(); at > 0 && at <= int64(since) {
				t.fire(at)
			}
		}
	}
}

func (t *Timer) fire(at int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.owner != nil && t.at.CompareAndSwap(at, fired) {
		t.owner.Expire()
	}
}
