package rollout

import (
	"context"
	"sync"
	"time"
)

const (
	// pulse is the time between bursts of requests: the rate is kept on average.
	pulse = 5 * time.Millisecond
	// mostInFlight bounds the requests that wait for an answer; beyond it the client falls behind, catches up when it can, and says what it
	// could not.
	mostInFlight = 1000
	// patience is how long an answer may take.
	patience = 20 * time.Second
)

// load sends requests at a steady rate, whatever becomes of them. Each of its connections has one request at a time; there are as
// many as are needed, and the one that was used last is used next, so that a machine with little time to spare has few to look after.
type load struct {
	address string

	mu   sync.Mutex
	idle []*connection // the one that was used last is at the end
	// inFlight counts the requests that wait for an answer.
	inFlight int
	counts
}

// counts are what became of the requests.
type counts struct {
	sent int
	// late are those that were due and not sent when it ended.
	late int
	// reopened are those of a connection that the server had ended before it read them, which were sent again: as each browser does.
	reopened int
	failed   map[string]int
	pods     map[string]int
}

func newLoad(address string) *load {
	return &load{address: address, counts: counts{failed: map[string]int{}, pods: map[string]int{}}}
}

// run sends until the context ends, and returns when every answer is there.
func (l *load) run(ctx context.Context, rate int) {
	var answers sync.WaitGroup
	defer l.close()
	defer answers.Wait()
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	began, asked := time.Now(), 0
	for {
		due := int(time.Since(began).Seconds() * float64(rate))
		for asked < due {
			c := l.take()
			if c == nil {
				break
			}
			answers.Add(1)
			c.asked <- &answers
			asked++
		}
		select {
		case <-ctx.Done():
			l.note(func() { l.late = due - asked })
			return
		case <-tick.C:
		}
	}
}

// take is a connection for one more request, nil if too many wait.
func (l *load) take() *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight >= mostInFlight {
		return nil
	}
	l.inFlight++
	if last := len(l.idle) - 1; last >= 0 {
		c := l.idle[last]
		l.idle = l.idle[:last]
		return c
	}
	c := newConnection(l)
	go c.serve()
	return c
}

// done notes an answer, and keeps the connection.
func (l *load) done(c *connection, pod []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	l.sent++
	l.idle = append(l.idle, c)
	if err != nil {
		l.failed[err.Error()]++
		return
	}
	l.pods[string(pod)]++
}

// close ends the connections, none of which is in use.
func (l *load) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.idle {
		close(c.asked)
	}
	l.idle = nil
}

// once sends one request, and waits for its answer.
func (l *load) once() error {
	c := newConnection(l)
	defer c.hangUp()
	_, err := c.answer()
	return err
}

func (l *load) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}
