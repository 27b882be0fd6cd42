package exchange

import (
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

// limits are a target proxy's HttpLimits with defaults.
type limits struct {
	message    http1.Limits
	idle       time.Duration
	headerTime time.Duration
	streamIdle time.Duration
	request    time.Duration // 0: none
}

func compileLimits(l *lbv1.HttpLimits) limits {
	return limits{
		message: http1.Limits{
			HeaderBytes: int(l.GetMaxHeaderBytes()),
			HeaderCount: int(l.GetMaxHeaderCount()),
			TargetBytes: int(l.GetMaxUriBytes()),
			BodyBytes:   int64(l.GetMaxBodyBytes()),
		}.WithDefaults(),
		idle:       orDefault(l.GetIdleTimeout(), defaultIdle),
		headerTime: orDefault(l.GetHeaderTimeout(), defaultHeaderTime),
		streamIdle: orDefault(l.GetStreamIdleTimeout(), defaultStreamIdle),
		request:    orDefault(l.GetRequestTimeout(), 0),
	}
}

func orDefault(d *durationpb.Duration, v time.Duration) time.Duration {
	if d == nil || d.AsDuration() <= 0 {
		return v
	}
	return d.AsDuration()
}
