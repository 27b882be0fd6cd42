package config

import (
	"net/netip"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// Location is where a proxy runs. Both may be empty.
type Location struct {
	Region, Zone string
}

// Root is the state after one transaction. Its methods are safe for concurrent use.
type Root struct{}

// New is the empty state of a proxy at a location.
func New(at Location) *Root { return &Root{} }

// Apply makes the next state, or returns *Refused and changes nothing. Apply calls on states of one New must not overlap,
// and go from the newest.
func (r *Root) Apply(tx *lbv1.Transaction) (*Root, error) { return r, nil }

// Seq is the number of the last transaction.
func (r *Root) Seq() uint64 { return 0 }

// Location is where the proxy runs.
func (r *Root) Location() Location { return Location{} }

// Frontend is one address and port to listen on.
type Frontend struct {
	// Name is the forwarding rule's.
	Name        string
	Address     netip.Addr
	Port        uint16
	TargetProxy string
	TLS         bool
	Region      string
}

// Frontends are the addresses that this location serves, sorted by name.
func (r *Root) Frontends() []Frontend { return nil }

// TargetProxy is one version of a target proxy with its URL map.
type TargetProxy struct {
	Name string
	Spec *lbv1.TargetProxy
	// Map finds rules; DefaultService answers what they don't.
	Map               *urlmap.Map
	DefaultService    balance.Ref
	DetectMisdirected bool
}

// TargetProxy is nil for a name that does not exist.
func (r *Root) TargetProxy(name string) *TargetProxy { return nil }

// Service resolves what a rule refers to. Every Ref found in a root is valid in it.
func (r *Root) Service(ref balance.Ref) *balance.Service { return nil }

// ServiceByName is nil for a name that does not exist.
func (r *Root) ServiceByName(name string) *balance.Service { return nil }

// Certificate is nil for a name that does not exist.
func (r *Root) Certificate(name string) *lbv1.SslCertificate { return nil }

// TrustConfig is nil for a name that does not exist.
func (r *Root) TrustConfig(name string) *lbv1.TrustConfig { return nil }

// Retired are the endpoints that the last transaction took away: their pools end once older roots are unpinned.
func (r *Root) Retired() []*balance.Endpoint { return nil }

// Awaiting are the backend services that the last transaction brought or changed and that have endpoints but no verdict
// about any of them yet.
func (r *Root) Awaiting() []*balance.Service { return nil }

// SetHealth tells a verdict about every endpoint with that address that the health check covers. It holds for all roots.
func (r *Root) SetHealth(check string, at netip.AddrPort, state lbv1.HealthState) bool { return false }
