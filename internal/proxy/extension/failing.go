package extension

import (
	"errors"
	"sync"
	"sync/atomic"
)

// Cause is an error of an extension that can say what went wrong in a word that may label a metric, and in a text for people.
type Cause interface {
	error
	Word() string
	Text() string
}

// Failing decides what becomes of an exchange whose extension did not do its part, and says so once, in the access log and in
// the metrics: callouts and plugins fail alike. It may be used by several goroutines.
type Failing struct {
	x      Exchange
	open   bool
	closed atomic.Bool // what cannot be undone has failed
	once   sync.Once
}

// NewFailing is that of an extension in one exchange. open: the exchange goes on without the extension.
func NewFailing(x Exchange, open bool) *Failing { return &Failing{x: x, open: open} }

// Open reports whether exchanges go on.
func (f *Failing) Open() bool { return f.open }

// Fail is told of a failure. nil: the exchange goes on, and the extension must have no more part in it. An error is the one
// to return. A local reply is none, and neither is the end of the exchange.
func (f *Failing) Fail(err error) error { return f.fail(err, f.open) }

// Closed is Fail for what cannot be undone any more: the exchange never goes on.
func (f *Failing) Closed(err error) error {
	f.closed.Store(true)
	return f.fail(err, false)
}

func (f *Failing) fail(err error, open bool) error {
	open = open && !f.closed.Load()
	var reply *LocalReply
	if err == nil || errors.As(err, &reply) || f.x.Context().Err() != nil {
		return err
	}
	f.once.Do(func() { f.tell(err, open) })
	if open {
		return nil
	}
	return err
}

func (f *Failing) tell(err error, open bool) {
	word, text := "other", err.Error()
	var c Cause
	if errors.As(err, &c) {
		word, text = c.Word(), c.Text()
	}
	f.x.Log("cause", word)
	f.x.Log("error", text)
	f.x.Count("cause_" + word)
	f.x.Failed(word, text)
	if open {
		f.x.Log("failOpen", "true")
		f.x.Count("failed_open")
		return
	}
	f.x.Count("failed_closed")
}

// Failed is a filter that cannot do its part from the start.
type Failed struct {
	Pass
	failing *Failing
	err     error
}

// NewFailed makes one.
func NewFailed(f *Failing, err error) Filter { return &Failed{failing: f, err: err} }

// Request implements Filter.
func (f *Failed) Request(*Request) error { return f.failing.Fail(f.err) }
