package http2

import "time"

// allowance is a bucket for something a peer may do a few times but not without end. It refills with time, and with
// useful work where the caller says so.
type allowance struct {
	left   int
	most   int
	second int // refill per second
}

func newAllowance(most, second int) allowance {
	return allowance{left: most, most: most, second: second}
}

// spend takes one; false means that the peer has had too many.
func (a *allowance) spend() bool {
	if a.left == 0 {
		return false
	}
	a.left--
	return true
}

func (a *allowance) refill(n int) { a.left = min(a.left+n, a.most) }

func (a *allowance) elapse(seconds int) { a.refill(a.second * seconds) }

// floods holds what one connection may still do. Only the reader uses it.
type floods struct {
	reset       allowance // streams the peer opened and reset
	serverReset allowance // streams that the peer made us reset
	settings    allowance
	ping        allowance
	emptyData   allowance
	priority    allowance
	window      allowance
	late        allowance // DATA for streams that are gone, and requests after our GOAWAY
	goAway      allowance
	other       allowance // unknown frames, and other frames for streams that are gone
	seen        time.Duration
	dataFrames  int64
}

func newFloods() floods {
	f := floods{
		reset:       newAllowance(200, 20),
		serverReset: newAllowance(100, 10),
		settings:    newAllowance(50, 2),
		ping:        newAllowance(500, 20),
		emptyData:   newAllowance(100, 10),
		priority:    newAllowance(500, 20),
		window:      newAllowance(1000, 100),
		late:        newAllowance(1<<16, 1000),
		goAway:      newAllowance(10, 1),
		other:       newAllowance(1000, 100),
	}
	f.late.left = 1000
	return f
}

// elapse refills by the clock, in whole seconds.
func (f *floods) elapse(now time.Duration) {
	n := int((now - f.seen) / time.Second)
	if n <= 0 {
		return
	}
	f.seen += time.Duration(n) * time.Second
	for _, a := range f.all() {
		a.elapse(n)
	}
}

func (f *floods) all() []*allowance {
	return []*allowance{
		&f.reset, &f.serverReset, &f.settings, &f.ping, &f.emptyData, &f.priority, &f.window, &f.late, &f.goAway,
		&f.other,
	}
}

// streamDone refills what is measured against streams that came to their end.
func (f *floods) streamDone(n int) {
	f.reset.refill(n)
	f.serverReset.refill(n)
	f.priority.refill(2 * n)
	f.window.refill(4 * n)
	f.ping.refill(n)
	f.other.refill(n)
}

// sent refills what is measured against DATA frames: a peer answers each with a few window updates, and probes the
// path with a PING now and then.
func (f *floods) sent(total int64) {
	n := int(min(total-f.dataFrames, 1<<20))
	f.dataFrames = total
	f.window.refill(4 * n)
	f.ping.refill(n)
}

// lateFrames is how many DATA frames may be on their way when we reset a stream: a window of small ones.
const lateFrames = 4096

// cut refills by streams that we have reset.
func (f *floods) cut(n int) { f.late.refill(n * lateFrames) }

// received refills by DATA frames with content.
func (f *floods) received() {
	f.ping.refill(1)
	f.emptyData.refill(1)
}
