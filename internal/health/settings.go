package health

import (
	"net/netip"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Google's defaults for what a health check leaves out.
const (
	defaultInterval  = 5 * time.Second
	defaultTimeout   = 5 * time.Second
	defaultThreshold = 2
)

// Bounds of what a health check may ask for: a shorter interval would keep the prober busy with one endpoint, a longer one
// would never tell. Google's are 1 s to 5 min.
const (
	minInterval  = 50 * time.Millisecond
	maxInterval  = time.Hour
	minTimeout   = time.Millisecond
	maxThreshold = 100
)

// Settings are all of a health check that matters for probing. Checks with equal settings share probes.
type Settings struct {
	Type               lbv1.HealthCheck_Type
	Interval, Timeout  time.Duration
	Healthy, Unhealthy int // thresholds
	Port               uint16
	Host, Path         string
	Request, Response  string
	GRPCService        string
	ProxyHeader        bool
}

// settingsOf fills in the defaults.
func settingsOf(h *lbv1.HealthCheck) Settings {
	s := Settings{
		Type: h.GetType(), Interval: h.GetCheckInterval().AsDuration(), Timeout: h.GetTimeout().AsDuration(),
		Healthy: int(h.GetHealthyThreshold()), Unhealthy: int(h.GetUnhealthyThreshold()),
		Host: h.GetHost(), Path: h.GetRequestPath(), Request: h.GetRequest(), Response: h.GetResponse(),
		GRPCService: h.GetGrpcServiceName(), ProxyHeader: h.GetProxyHeader() == lbv1.HealthCheck_PROXY_V1,
	}
	if s.Interval <= 0 {
		s.Interval = defaultInterval
	}
	s.Interval = min(max(s.Interval, minInterval), maxInterval)
	if s.Timeout <= 0 {
		s.Timeout = min(defaultTimeout, s.Interval)
	}
	s.Timeout = min(max(s.Timeout, minTimeout), maxInterval)
	s.Healthy = min(orDefault(s.Healthy, defaultThreshold), maxThreshold)
	s.Unhealthy = min(orDefault(s.Unhealthy, defaultThreshold), maxThreshold)
	if s.Path == "" {
		s.Path = "/"
	}
	if h.GetPortSpecification() == lbv1.HealthCheck_USE_FIXED_PORT {
		s.Port = uint16(h.GetPort())
	}
	return s
}

func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}

// target is where the probe of an endpoint goes.
func (s *Settings) target(endpoint netip.AddrPort) netip.AddrPort {
	if s.Port != 0 {
		return netip.AddrPortFrom(endpoint.Addr(), s.Port)
	}
	return endpoint
}
