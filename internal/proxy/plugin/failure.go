package plugin

import (
	"errors"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// Events of plugin versions that are counted, and causes of failures.
const (
	eventStream    = "stream"
	eventReplied   = "replied"
	eventCrashed   = "crashed"
	eventDeadline  = "deadline"
	eventThrottled = "throttled"
	eventLost      = "lost"
	eventLimit     = "limit"
	eventClosed    = "closed_stream"
	eventFailed    = "failed"
	eventRefused   = "refused" // it does not start
)

// failure is why a plugin did not do its part.
type failure struct {
	word string
	err  error
}

var _ extension.Cause = (*failure)(nil)

func (f *failure) Error() string { return "plugin: " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Word labels a metric.
func (f *failure) Word() string { return "plugin_" + f.word }

// Text is for people.
func (f *failure) Text() string { return f.err.Error() }

// newFailure finds the word of an error of package wasm.
func newFailure(err error) *failure {
	var trap *wasm.Trap
	word := eventFailed
	switch {
	case errors.Is(err, wasm.ErrThrottled):
		word = eventThrottled
	case errors.Is(err, wasm.ErrLost):
		word = eventLost
	case errors.Is(err, wasm.ErrMutation), errors.Is(err, errTooMuch):
		word = eventLimit
	case errors.Is(err, wasm.ErrClosedStream):
		word = eventClosed
	case errors.As(err, &trap) && trap.Deadline:
		word = eventDeadline
	case errors.As(err, &trap):
		word = eventCrashed
	}
	return &failure{word, err}
}

// localReply is the engine's form of a plugin's.
func localReply(r *wasm.LocalReply) *extension.LocalReply {
	out := &extension.LocalReply{Status: r.Status, Body: r.Body, GRPCStatus: max(r.GRPCStatus, 0)}
	for _, h := range r.Headers {
		if h.Name != "" && h.Name[0] != ':' {
			out.Header = append(out.Header, extension.Field{Name: h.Name, Value: h.Value})
		}
	}
	return out
}
