package exchange

import (
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/tunnel"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// Foresight is what would become of a request before the first attempt, if no extension changed or answered it.
type Foresight struct {
	Target *config.TargetProxy
	// Route and Traffic are the chains that are looked at, in order: the last may match, and then it runs.
	Route, Traffic []Considered
	// Routed: the URL map was asked. Rule is what it found; nil is its default service.
	Routed  bool
	Rule    *urlmap.Rule
	Service *balance.Service
	// Answer is the proxy's own; nil asks a backend.
	Answer *Foreseen
	// Sent is what a backend gets, where one is asked.
	Sent message.Request
}

// Considered is a chain that is looked at.
type Considered struct {
	Chain      *extension.Chain
	Matches    bool
	Conditions []extension.Condition // empty matches everything
}

// Foreseen is an answer of the proxy's own.
type Foreseen struct {
	Status   int
	Details  accesslog.Details
	Location string
}

// Foresee takes a request through the phases up to prepare, but runs no extension and calls nobody. fill sets the request as a
// codec does; what it sets must live as long as the Foresight. choose picks a backend of a rule that has some.
func (e *Engine) Foresee(c *Client, l *Limits, fill func(*message.Request), choose func(*urlmap.Rule) *urlmap.Backend) *Foresight {
	x := newExchange() // not to be used again: its memory is what is returned
	x.engine = e
	fill(&x.Request)
	answer := &foreseeing{}
	x.Begin(c, answer, e.Metrics.Shard(), l, 0)
	x.pin()
	f := &Foresight{}
	x.foresee(f, choose)
	f.Target, f.Rule, f.Service, f.Sent = x.target, x.rule, x.service, x.Sent
	if x.details != "" {
		f.Answer = &Foreseen{Status: x.status, Details: x.details, Location: answer.location}
	}
	return f
}

// foresee is phases without extensions and attempts.
func (x *Exchange) foresee(f *Foresight, choose func(*urlmap.Rule) *urlmap.Backend) {
	if !x.admit() {
		return
	}
	if c := x.target.Chains; c != nil {
		f.Route = x.consider(extension.Route, c.Route)
	}
	f.Routed = true
	x.rule = x.target.Map.Match(&x.Sent)
	if x.rule != nil && len(x.rule.Backends) > 0 {
		x.backend = choose(x.rule)
	}
	if !x.follow() {
		return
	}
	if c := x.target.Chains; c != nil {
		f.Traffic = x.consider(extension.Traffic, c.Traffic)
	}
	if x.prepare() {
		x.customize()
	}
}

// consider is filterRequest without filters.
func (x *Exchange) consider(kind extension.Kind, chains []extension.Chain) []Considered {
	var out []Considered
	for i := range chains {
		c := &chains[i]
		at := Considered{Chain: c, Matches: x.matches(kind, c)}
		if c.Explain != nil {
			at.Conditions = x.why(kind, c)
		}
		if out = append(out, at); at.Matches {
			break
		}
	}
	return out
}

func (x *Exchange) why(kind extension.Kind, c *extension.Chain) []extension.Condition {
	a := &x.asker
	a.begin(x, kind, c)
	defer a.end()
	return c.Explain(&a.running, &a.request)
}

// foreseeing is the client of a request that nobody sent.
type foreseeing struct{ location string }

var _ Downstream = (*foreseeing)(nil)

// WriteHead implements Downstream.
func (f *foreseeing) WriteHead(res *message.Response) error {
	v, _ := res.Header.Get(header.Location)
	f.location = string(v)
	return nil
}

func (f *foreseeing) Informational(int, *header.Map) {}
func (f *foreseeing) WriteData([]byte) error         { return nil }
func (f *foreseeing) WriteEnd(*header.Map) error     { return nil }
func (f *foreseeing) Flush() error                   { return nil }
func (f *foreseeing) Retract() bool                  { return false }
func (f *foreseeing) Abort()                         {}
func (f *foreseeing) Farewell()                      {}
func (f *foreseeing) StopBody()                      {}
func (f *foreseeing) Conn() *transport.Conn          { return nil }
func (f *foreseeing) Verbatim() bool                 { return false }
func (f *foreseeing) Moved(int64)                    {}
func (f *foreseeing) Tunnel() tunnel.End             { return nil }
