package balance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// defaultTimeout is Google's for a backend service.
const defaultTimeout = 30 * time.Second

// Ref is the number by which rules refer to a backend service: its versions change, the number stays.
type Ref uint32

// Service is one version of a backend service.
type Service struct {
	Name string
	// Spec is the resource as it was published. It must not be changed.
	Spec *lbv1.BackendService
	// Timeout is the backend service's own; 0 is none.
	Timeout time.Duration
	// AbortStatus, if not 0, answers every request locally.
	AbortStatus int
	// RequestHeaders and ResponseHeaders are the backend service's custom headers; nil are none.
	RequestHeaders, ResponseHeaders *filter.HeaderEdit
	// Transport is a slot for what the transport derives from Spec (a TLS configuration). It goes from version to version
	// as long as Spec and its certificates stay the same.
	Transport atomic.Value

	check    *Check // nil: every endpoint is healthy
	groups   []groupMembers
	weights  map[string]*lbv1.GroupWeight // nil: split evenly
	affinity affinity
	policy   lbv1.LocalityPolicy
	factor   float64
	limits   [numLimited]int64

	shared   *shared
	snapshot atomic.Pointer[snapshot]
	building sync.Mutex
}

// shared is the state that outlives versions of a service.
type shared struct {
	// epoch moves when outlier detection changes what may be picked.
	epoch   atomic.Uint64
	next    atomic.Uint32 // spreads choices among groups
	counts  [numLimited]atomic.Int64
	total   atomic.Int64 // endpoints that may get new requests, healthy or not
	usable  atomic.Int64 // those that get some now: healthy and not ejected
	outlier atomic.Pointer[outlierLimits]
	// draining is what requests have that an endpoint still answers when it leaves, in nanoseconds; 0 is all they need.
	draining atomic.Int64

	mu      sync.Mutex
	ejected map[*Endpoint]struct{}
}

// Version is what one version of a service is made of.
type Version struct {
	Name string
	Spec *lbv1.BackendService
	// Check is nil when the service names no health check.
	Check *Check
	// Groups are those of Spec.Backends, in that order.
	Groups []*Group
	// Weights is nil when there are none for this location.
	Weights *lbv1.Weights
	// NewTransport says that certificates changed, so that connections of the version before must not be used.
	NewTransport bool
	// Known tells verdicts that are older than the endpoint's handle; nil knows none.
	Known func(netip.AddrPort) lbv1.HealthState
}

// Changes are the endpoints that a version has and the one before had not, and the reverse.
type Changes struct {
	Joined, Retired []*Endpoint
}

// Validate checks what Next relies on.
func Validate(spec *lbv1.BackendService) error {
	if t := spec.GetFailoverThreshold(); t > 99 {
		return fmt.Errorf("failover_threshold %d is above 99", t)
	}
	if s := spec.GetAbortStatus(); s != 0 && (s < 200 || s > 599) {
		return fmt.Errorf("abort_status %d is not a final HTTP status", s)
	}
	for _, b := range spec.GetBackends() {
		if s := b.CapacityScaler; s != nil && !(*s >= 0 && *s <= 1) {
			return fmt.Errorf("group %q: capacity_scaler %v is not within 0 and 1", b.GetGroup(), *s)
		}
		if r := b.GetMaxRatePerEndpoint(); !(r >= 0) || math.IsInf(r, 0) {
			return fmt.Errorf("group %q: max_rate_per_endpoint %v", b.GetGroup(), r)
		}
	}
	for _, d := range []struct {
		name string
		set  bool
		d    time.Duration
	}{
		{"timeout", spec.Timeout != nil, spec.GetTimeout().AsDuration()},
		{"draining_timeout", spec.DrainingTimeout != nil, spec.GetDrainingTimeout().AsDuration()},
	} {
		if d.set && d.d < 0 {
			return fmt.Errorf("%s is negative", d.name)
		}
	}
	if _, err := filter.CompileCustomRequestHeaders(spec.GetCustomRequestHeaders()); err != nil {
		return refusal.At("custom_request_headers", err)
	}
	if _, err := filter.CompileCustomResponseHeaders(spec.GetCustomResponseHeaders()); err != nil {
		return refusal.At("custom_response_headers", err)
	}
	_, err := compileAffinity(spec)
	return err
}

// Next makes a version of a service after old (nil for the first). Endpoints that both versions have stay the same
// handles.
func Next(old *Service, v Version) (*Service, Changes) {
	s := &Service{
		Name: v.Name, Spec: v.Spec, Timeout: defaultTimeout, check: v.Check,
		AbortStatus: int(v.Spec.GetAbortStatus()),
		factor:      overprovisioning(v.Spec.GetFailoverThreshold()),
		limits:      compileLimits(v.Spec.GetLimits()),
	}
	if v.Spec.Timeout != nil {
		s.Timeout = v.Spec.Timeout.AsDuration()
	}
	s.RequestHeaders, _ = filter.CompileCustomRequestHeaders(v.Spec.GetCustomRequestHeaders())
	s.ResponseHeaders, _ = filter.CompileCustomResponseHeaders(v.Spec.GetCustomResponseHeaders())
	s.affinity, _ = compileAffinity(v.Spec)
	s.policy = effectivePolicy(v.Spec.GetLocalityPolicy(), s.affinity)
	s.weights = weightsByGroup(v.Weights)
	if old == nil {
		s.shared = &shared{}
		s.shared.next.Store(rand.Uint32())
	} else {
		s.shared = old.shared
		if derived := old.Transport.Load(); derived != nil && old.Spec == v.Spec && !v.NewTransport {
			s.Transport.Store(derived)
		}
	}
	s.shared.draining.Store(int64(v.Spec.GetDrainingTimeout().AsDuration()))
	s.shared.outlier.Store(compileOutlier(v.Spec.GetOutlierDetection()))
	return s, join(s, old, v)
}

// Close retires every endpoint of a service that was deleted, and returns them.
func (s *Service) Close() []*Endpoint {
	var all []member
	s.each(func(_ *groupMembers, m *member) bool {
		all = append(all, *m)
		return true
	})
	return retire(s.check, all, nil)
}

// Check is the name of the health check; "" without one.
func (s *Service) Check() string {
	if s.check == nil {
		return ""
	}
	return s.check.Name
}

func weightsByGroup(w *lbv1.Weights) map[string]*lbv1.GroupWeight {
	if w == nil {
		return nil
	}
	out := make(map[string]*lbv1.GroupWeight, len(w.GetGroups()))
	for _, g := range w.GetGroups() {
		out[g.GetGroup()] = g
	}
	return out
}

// each calls fn for every member until it returns false.
func (s *Service) each(fn func(g *groupMembers, m *member) bool) {
	for i := range s.groups {
		for _, shard := range s.groups[i].shards {
			for j := range shard {
				if !fn(&s.groups[i], &shard[j]) {
					return
				}
			}
		}
	}
}

// Awaiting says that the service has endpoints for new requests and no verdict about any of them yet.
func (s *Service) Awaiting() bool {
	some, known := false, false
	s.each(func(_ *groupMembers, m *member) bool {
		if !m.draining {
			some = true
			known = m.verdict.isKnown()
		}
		return !known
	})
	return some && !known
}

// EndpointStatus is an endpoint as a service sees it.
type EndpointStatus struct {
	Endpoint *Endpoint
	State    lbv1.HealthState
	Draining bool
}

// Endpoints lists the endpoints in the order of groups and shards.
func (s *Service) Endpoints() []EndpointStatus {
	var out []EndpointStatus
	s.each(func(_ *groupMembers, m *member) bool {
		out = append(out, EndpointStatus{Endpoint: m.endpoint, State: m.verdict.current(), Draining: m.draining})
		return true
	})
	return out
}

// Handles lists the endpoints in the order of groups and shards.
func (s *Service) Handles() []*Endpoint {
	var out []*Endpoint
	s.each(func(_ *groupMembers, m *member) bool {
		out = append(out, m.endpoint)
		return true
	})
	return out
}
