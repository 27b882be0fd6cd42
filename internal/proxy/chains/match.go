package chains

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/cel"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// expression is one of a chain's conditions: both of its parts hold.
type expression struct {
	program *cel.Program // nil holds
	service string       // "" is any
}

// matcher is the conditions of a chain, of which one is enough.
type matcher []expression

// compileMatch makes a matcher; nil matches everything.
func compileMatch(kind extension.Kind, list []*lbv1.MatchExpression) (matcher, error) {
	if len(list) == 0 {
		return nil, nil
	}
	expressions := make(matcher, len(list))
	for i, m := range list {
		e := expression{service: m.GetBackendService()}
		if e.service != "" && kind == extension.Route {
			return nil, errors.New("a route extension runs before a backend service is chosen: its match cannot name one")
		}
		if m.GetCel() != "" {
			p, err := cel.Compile(m.GetCel())
			if err != nil {
				return nil, fmt.Errorf("match %q: %w", m.GetCel(), err)
			}
			e.program = p
		}
		expressions[i] = e
	}
	return expressions, nil
}

// match is extension.Chain's Match.
func (m matcher) match(x extension.Exchange, q *extension.Request) bool {
	a := pool.Get().(*attributes)
	a.x, a.q = x, q
	defer a.release()
	for i := range m {
		if m[i].holds(a) {
			return true
		}
	}
	return false
}

// explain is extension.Chain's Explain: it asks the same programs of the same attributes.
func (m matcher) explain(x extension.Exchange, q *extension.Request) []extension.Condition {
	a := &attributes{x: x, q: q}
	out := make([]extension.Condition, len(m))
	for i := range m {
		e := &m[i]
		out[i] = extension.Condition{Service: e.service, Chosen: e.chosen(a), Holds: e.holds(a)}
		if e.program != nil {
			out[i].Steps = e.program.Explain(a)
		}
	}
	return out
}

func (e *expression) chosen(a *attributes) bool {
	return e.service == "" || a.BackendServiceName() == e.service
}

func (e *expression) holds(a *attributes) bool {
	return e.chosen(a) && (e.program == nil || e.program.Match(a))
}

// attributes are those of a request, for conditions.
type attributes struct {
	x      extension.Exchange
	q      *extension.Request
	client extension.Client
	known  bool // client is
	joined []byte
}

var _ cel.Attributes = (*attributes)(nil)

var pool = sync.Pool{New: func() any { return new(attributes) }}

func (a *attributes) release() {
	*a = attributes{joined: a.joined[:0]}
	pool.Put(a)
}

// Header implements cel.Attributes.
func (a *attributes) Header(name string) ([]byte, bool) {
	if name == "host" {
		return a.q.Authority(), true
	}
	var first []byte
	n, from := 0, len(a.joined)
	for i := range a.q.Len() {
		at, value := a.q.At(i)
		if string(at) != name {
			continue
		}
		switch n++; n {
		case 1:
			first = value
		case 2:
			a.joined = append(append(append(a.joined, first...), ','), value...)
		default:
			a.joined = append(append(a.joined, ','), value...)
		}
	}
	if n < 2 {
		return first, n == 1
	}
	return a.joined[from:], true
}

// Method implements cel.Attributes.
func (a *attributes) Method() []byte { return a.q.Method() }

// Host implements cel.Attributes.
func (a *attributes) Host() []byte { return a.q.Authority() }

// Path implements cel.Attributes.
func (a *attributes) Path() []byte {
	path, _, _ := bytes.Cut(a.q.RoutePath(), []byte("?"))
	return path
}

// Query implements cel.Attributes.
func (a *attributes) Query() []byte {
	_, query, _ := bytes.Cut(a.q.RoutePath(), []byte("?"))
	return query
}

// Scheme implements cel.Attributes.
func (a *attributes) Scheme() string {
	if string(a.q.Scheme()) == "https" {
		return "https"
	}
	return "http"
}

func (a *attributes) who() *extension.Client {
	if !a.known {
		a.client, a.known = a.x.Client(), true
	}
	return &a.client
}

// SourceIP implements cel.Attributes.
func (a *attributes) SourceIP() netip.Addr { return a.who().Address.Addr() }

// SourceRegion implements cel.Attributes.
func (a *attributes) SourceRegion() string { return a.x.Region() }

// SourcePort implements cel.Attributes.
func (a *attributes) SourcePort() uint16 { return a.who().Address.Port() }

// SNI implements cel.Attributes.
func (a *attributes) SNI() string { return a.who().ServerName }

// TLSVersion implements cel.Attributes.
func (a *attributes) TLSVersion() string { return a.who().TLSVersion }

// PeerCertDigest implements cel.Attributes.
func (a *attributes) PeerCertDigest() string {
	c := a.who().PeerCertificate
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// BackendServiceName implements cel.Attributes.
func (a *attributes) BackendServiceName() string {
	if s := a.x.Service(); s != nil {
		return s.Name
	}
	return ""
}

// BackendServiceProject implements cel.Attributes. The model does not say.
func (a *attributes) BackendServiceProject() (int64, bool) { return 0, false }

// BackendServiceEndpoints implements cel.Attributes.
func (a *attributes) BackendServiceEndpoints() (int64, bool) {
	s := a.x.Service()
	if s == nil {
		return 0, false
	}
	return int64(len(s.Handles())), true
}
