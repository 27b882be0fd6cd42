package config

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// CheckRouteRule says why no proxy would obey a rule, whatever else there is: with what Apply runs. An error names the field
// as package refusal does.
func CheckRouteRule(r *lbv1.RouteRule) error {
	if err := understand(r.ProtoReflect()); err != nil {
		return err
	}
	_, err := urlmap.Compile(urlmap.RuleName(r), r, anyService{})
	return err
}

// CheckHealthCheck says why no proxy would obey a health check.
func CheckHealthCheck(h *lbv1.HealthCheck) error {
	if err := understand(h.ProtoReflect()); err != nil {
		return err
	}
	return checkHealthCheck(h)
}

// CheckBackendService says why no proxy would obey a backend service.
func CheckBackendService(s *lbv1.BackendService) error {
	if err := understand(s.ProtoReflect()); err != nil {
		return err
	}
	return checkBackendService(s)
}

// anyService knows every backend service.
type anyService struct{}

func (anyService) Ref(string) (ref balance.Ref, known bool) { return ref, true }
