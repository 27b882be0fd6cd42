package exchange

import (
	"math"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestLimitsSaturate: more than there are numbers for is the most there is, and not a negative number, which bounds nothing.
func TestLimitsSaturate(t *testing.T) {
	for _, n := range []uint64{math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		if got := CompileLimits(&lbv1.HttpLimits{MaxBodyBytes: n}).Message.BodyBytes; got != math.MaxInt64 {
			t.Errorf("%d bytes become %d", n, got)
		}
	}
}
