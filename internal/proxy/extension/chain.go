package extension

import (
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/cel"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

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
	// Faults are resources that cannot do their part: the target proxy is served, and what uses them fails.
	Faults []Fault
}

// Fault is a resource that does not run, and why.
type Fault struct {
	Kind, Name, Text string
	// Again is when another try is worth while: the target proxy is compiled again then. Zero is with its next change.
	Again time.Time
}

// Chain is a list of extensions that run together.
type Chain struct {
	Name string
	// Match chooses the chain by the head of the request; nil chooses it for every request, and so does one that panics.
	Match func(x Exchange, q *Request) bool
	// Explain says why Match holds or not; nil where Match is. It takes its time: it is for people who ask.
	Explain func(x Exchange, q *Request) []Condition
	// Extensions see requests in this order, and answers in the reverse.
	Extensions []Extension
}

// Condition is one of those by which a chain is chosen, with what it came to.
type Condition struct {
	// Service is the backend service that has to be chosen, "" is any; Chosen says whether it is.
	Service string
	Chosen  bool
	// Steps are those of its expression; nil has none.
	Steps []cel.Step
	// Holds: Chosen, and the expression is true.
	Holds bool
}

// Extension makes filters.
type Extension struct {
	Name string
	// Service is the backend service that its filters call, "" for none. The target proxy must refer to it, itself or through
	// others that it refers to: then the service is there for as long as the chain is, wherever the target proxy goes.
	Service string
	// Policy is what its filters must not change; nil forbids what no filter may change.
	Policy *Policy
	// Record takes how its filters fare; nil takes nothing.
	Record *passive.Record
	// New makes the filter of one exchange, whose Chain was chosen.
	New func(x Exchange) Filter
}

// Resources are those that stand beside a target proxy: what it refers to is among them.
type Resources interface {
	// Resource is nil for one that does not exist. kind is the name of a field of the oneof in lb.v1.Resource.
	Resource(kind, name string) *lbv1.Resource
}

// Provider compiles the chains of a version of a target proxy; nil has none. An error refuses the target proxy. It is asked
// again when a resource changes that the target proxy refers to, if config's table of kinds says so of its kind (spreads).
type Provider func(name string, spec *lbv1.TargetProxy, r Resources) (*Chains, error)

// Services are the backend services that the chains call.
func (c *Chains) Services() []string {
	if c == nil {
		return nil
	}
	var out []string
	for _, chains := range [][]Chain{c.Route, c.Traffic} {
		for i := range chains {
			for _, e := range chains[i].Extensions {
				if e.Service != "" {
					out = append(out, e.Service)
				}
			}
		}
	}
	return out
}
