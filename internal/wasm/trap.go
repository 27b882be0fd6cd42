package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/sys"
)

// Trap says why an instance ended.
type Trap struct {
	// Callback is the export that was called, such as "proxy_on_request_headers".
	Callback string
	// Reason is one line.
	Reason string
	// Stack has the guest's functions, innermost first; names are there if the module has them.
	Stack []string
	// Deadline says that the call took too long.
	Deadline bool
}

func (t *Trap) Error() string {
	text := "plugin crashed in " + t.Callback + ": " + t.Reason
	if len(t.Stack) > 0 {
		text += " (at " + strings.Join(t.Stack, " < ") + ")"
	}
	return text
}

// Why a stream fails otherwise.
var (
	// ErrLost says that the instance ended in another stream that shared it.
	ErrLost = errors.New("the plugin's instance crashed in another request that shared it")
	// ErrThrottled says that instances crashed so often that a new one has to wait.
	ErrThrottled = errors.New("the plugin crashed repeatedly and is being restarted with delay")
	// ErrMutation says that the guest set more than it may.
	ErrMutation = fmt.Errorf("the plugin's changes in one callback are larger than they may be: %d bytes; in the full profile %d of header"+
		" fields and %d of bodies", maxMutation, maxFullHeaders, maxFullBody)
	// ErrClosedStream says that the guest asked to end the stream.
	ErrClosedStream = errors.New("the plugin closed the stream")
)

// exit is what proc_exit panics with.
type exit struct{ code uint32 }

func (e exit) Error() string { return fmt.Sprintf("the plugin called exit(%d)", e.code) }

// refused is what a host function panics with when the guest may not call it at that time.
type refused struct{ reason string }

func (r refused) Error() string { return r.reason }

const (
	maxFrames  = 20 // of a stack, as Envoy shows them
	stackStart = "wasm stack trace:"
)

// newTrap makes a trap of what wazero says: a reason, and below it the stack.
func newTrap(callback string, err error, limit string) *Trap {
	t := &Trap{Callback: callback}
	var ended *sys.ExitError
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ended) && ended.ExitCode() == sys.ExitCodeDeadlineExceeded {
		t.Deadline, t.Reason = true, "the call took longer than "+limit
		return t
	}
	reason, stack, _ := strings.Cut(err.Error(), stackStart)
	reason, _, _ = strings.Cut(reason, "\n\nGo runtime stack trace")
	reason = strings.TrimSuffix(strings.TrimSpace(reason), "(recovered by wazero)")
	t.Reason = strings.Join(strings.Fields(reason), " ")
	for line := range strings.Lines(stack) {
		if line = strings.TrimSpace(line); line != "" && len(t.Stack) < maxFrames {
			t.Stack = append(t.Stack, line)
		}
	}
	return t
}
