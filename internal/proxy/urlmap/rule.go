package urlmap

import (
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/filter"
)

// Rule is one compiled route rule. It never changes.
type Rule struct {
	Name         string
	ListenerHost string
	Host         string
	Precedence   string
	// Route is "namespace/name"; RuleName is the rule's name or index in it.
	Route, RuleName string

	RequestHeaders, ResponseHeaders *filter.HeaderEdit
	Rewrite                         *filter.Rewrite
	CORS                            *filter.CORS
	Mirrors                         []Mirror
	// Redirect answers locally; then there are no Backends.
	Redirect *filter.Redirect
	Retry    *Retry
	// RequestTimeout and BackendTimeout are the rule's own.
	RequestTimeout, BackendTimeout Timeout
	Persistence                    *balance.Persistence
	GRPC                           bool
	Backends                       []Backend

	match match
	split *balance.Split
}

// Timeout is a time limit that may be left to the backend service (the zero value) or switched off.
type Timeout struct {
	D        time.Duration // above 0 when set
	Disabled bool
}

// Mirror is a backend service that gets copies of a share of the requests.
type Mirror struct {
	Service     balance.Ref
	ServiceName string
	Sample      *balance.Sampler
}

// Retry is the compiled RetryPolicy.
type Retry struct {
	// Attempts are those after the first.
	Attempts         int
	Codes            []int
	Backoff          time.Duration
	ConnectionErrors bool
}

// Backend is one weighted backend service of a rule, with its own filters (nil if it has none).
type Backend struct {
	Service                         balance.Ref
	ServiceName                     string
	RequestHeaders, ResponseHeaders *filter.HeaderEdit
	Rewrite                         *filter.Rewrite
	Mirrors                         []Mirror
	Redirect                        *filter.Redirect
	CORS                            *filter.CORS
}

// Choose picks the backend of a request by weight. It is nil for redirects.
func (r *Rule) Choose() *Backend {
	if len(r.Backends) == 0 {
		return nil
	}
	return &r.Backends[r.split.Next()]
}

// shares tells whether the rule, or a backend of it, has a CORS policy.
func (r *Rule) shares() bool {
	if r.CORS != nil {
		return true
	}
	for i := range r.Backends {
		if r.Backends[i].CORS != nil {
			return true
		}
	}
	return false
}
