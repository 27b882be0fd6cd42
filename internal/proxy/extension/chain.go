package extension

import lbv1 "github.com/spillway-lb/spillway/api/lb/v1"

// Kind is where a chain stands.
type Kind uint8

// The kinds.
const (
	// Route chains run before the URL map is asked.
	Route Kind = iota
	// Traffic chains run when the backend service is chosen.
	Traffic
)

func (k Kind) String() string {
	if k == Route {
		return "route"
	}
	return "traffic"
}

// Chains are those of one version of a target proxy, in order.
type Chains struct {
	Route, Traffic []Chain
}

// Chain is a list of extensions that run together.
type Chain struct {
	Name string
	// Match chooses the chain by the head of the request; nil chooses it for every request. One that panics does not match.
	Match func(x Exchange, q *Request) bool
	// Extensions see requests in this order, and answers in the reverse.
	Extensions []Extension
}

// Extension makes filters.
type Extension struct {
	Name string
	// Policy is what its filters must not change; nil forbids what no filter may change.
	Policy *Policy
	// New makes the filter of one exchange, whose Chain was chosen.
	New func(x Exchange) Filter
}

// Provider compiles the chains of a version of a target proxy; nil has none. An error refuses the target proxy.
type Provider func(name string, spec *lbv1.TargetProxy) (*Chains, error)
