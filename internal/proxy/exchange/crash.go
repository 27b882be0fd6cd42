package exchange

import (
	"errors"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// errCrashed is why a body ends whose goroutine has panicked.
var errCrashed = errors.New("exchange: internal error")

// crashOutcome is what filters hear of an exchange whose goroutine has panicked: the status is the one that went out, if any
// has, else the log's.
func (x *Exchange) crashOutcome() extension.Outcome {
	status := 500
	if x.begun {
		status = x.status
	}
	return extension.Outcome{
		Status: status, Details: string(accesslog.InternalError),
		RequestBytes: x.headSize + x.body.bytes, ResponseBytes: x.outBytes, Duration: x.now().Sub(x.start),
	}
}

// Crashed ends an exchange whose goroutine has panicked: what it holds is given back, it is counted and logged, and the
// client sees a broken answer. The exchange must not be used again.
func (x *Exchange) Crashed() {
	defer x.engine.Guard.Recover("end of a crashed exchange", nil)
	x.down.Abort()
	x.status, x.details = 500, accesslog.InternalError
	x.release(&x.current)
	x.finish()
}
