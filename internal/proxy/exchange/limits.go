package exchange

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
)

// Defaults where a target proxy's HttpLimits say nothing. Idle is Google's keep-alive time of a client connection.
const (
	defaultIdle       = 610 * time.Second
	defaultHeaderTime = 60 * time.Second
	defaultStreamIdle = 5 * time.Minute
)

// Limits are a target proxy's HttpLimits with defaults.
type Limits struct {
	Message    http1.Limits
	Idle       time.Duration
	HeaderTime time.Duration
	StreamIdle time.Duration
	Request    time.Duration // 0: none
}

// CompileLimits fills in defaults; nil has all of them.
func CompileLimits(l *lbv1.HttpLimits) Limits {
	return Limits{
		Message: http1.Limits{
			HeaderBytes: int(l.GetMaxHeaderBytes()),
			HeaderCount: int(l.GetMaxHeaderCount()),
			TargetBytes: int(l.GetMaxUriBytes()),
			BodyBytes:   int64(min(l.GetMaxBodyBytes(), math.MaxInt64)),
		}.WithDefaults(),
		Idle:       orDefault(l.GetIdleTimeout(), defaultIdle),
		HeaderTime: orDefault(l.GetHeaderTimeout(), defaultHeaderTime),
		StreamIdle: orDefault(l.GetStreamIdleTimeout(), defaultStreamIdle),
		Request:    orDefault(l.GetRequestTimeout(), 0),
	}
}

func orDefault(d *durationpb.Duration, v time.Duration) time.Duration {
	if d == nil || d.AsDuration() <= 0 {
		return v
	}
	return d.AsDuration()
}
