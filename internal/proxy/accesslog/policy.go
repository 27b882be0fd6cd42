package accesslog

import (
	"math"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Policy is the compiled logging setting of a backend service. A nil Policy logs nothing.
type Policy struct {
	// below is compared with a uniform 32-bit number.
	below  uint64
	fields optional
}

var logEverything = Policy{below: 1 << 32, fields: allOptional}

// LogEverything logs each request with all optional fields: the policy for requests that have no backend service, such
// as refused ones.
func LogEverything() *Policy { return &logEverything }

// CompilePolicy returns nil where nothing is to be logged.
func CompilePolicy(l *lbv1.Logging) *Policy {
	rate := l.GetSampleRate()
	if !l.GetEnabled() || !(rate > 0) {
		return nil
	}
	return &Policy{
		below:  uint64(math.Round(min(rate, 1) * (1 << 32))),
		fields: parseOptional(l.GetOptionalFields()),
	}
}

// Sample decides for one request, given a uniformly random number.
func (p *Policy) Sample(random uint32) bool {
	return p != nil && uint64(random) < p.below
}
