package balance

import (
	"net/netip"
	"sync/atomic"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Ref is the number by which rules refer to a backend service: its versions change, the number stays.
type Ref uint32

// Service is one version of a backend service.
type Service struct {
	Name string
	// Spec is the resource as it was published. It must not be changed.
	Spec *lbv1.BackendService
	// Timeout is the backend service's own; 0 is none.
	Timeout         time.Duration
	DrainingTimeout time.Duration
	// AbortStatus, if not 0, answers every request locally.
	AbortStatus int
	// Transport is a slot for what the transport derives from the version (a TLS configuration).
	Transport atomic.Value
}

// PickInput is what a choice depends on, and what it says besides the endpoint.
type PickInput struct {
	Request    *message.Request
	ClientIP   netip.Addr
	ClientPort uint16
	// Persistence is the route rule's, or nil.
	Persistence *Persistence
	// Tried are the endpoints of earlier attempts; they are avoided while there are others.
	Tried []*Endpoint
	// Now is monotonic time; Wall is seconds since 1970, for cookies.
	Now  time.Duration
	Wall int64

	// SetName and SetValue, if not empty, are a header to add to the final answer (a set-cookie, or the header of a
	// session).
	SetName, SetValue []byte
}

// Persistence is a compiled SessionPersistence.
type Persistence struct{}

// CompilePersistence compiles a rule's session persistence; nil gives nil.
func CompilePersistence(p *lbv1.SessionPersistence) (*Persistence, error) { return nil, nil }

// Pick chooses an endpoint.
func (s *Service) Pick(in *PickInput) (*Endpoint, error) { return nil, ErrNoHealthyUpstream }

// Awaiting says that the service has endpoints and no verdict about any of them yet.
func (s *Service) Awaiting() bool { return false }
