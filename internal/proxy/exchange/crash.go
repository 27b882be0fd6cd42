package exchange

import (
	"errors"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
)

// errCrashed is why a body ends whose goroutine has panicked.
var errCrashed = errors.New("exchange: internal error")

// Crashed ends an exchange whose goroutine has panicked: what it holds is given back, it is counted and logged, and the
// client sees a broken answer. The exchange must not be used again.
func (x *Exchange) Crashed() {
	defer x.engine.Guard.Recover("end of a crashed exchange", nil)
	x.down.Abort()
	x.status, x.details = 500, accesslog.InternalError
	x.release(&x.current)
	x.finish()
}
