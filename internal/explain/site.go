package explain

import (
	"cmp"
	"fmt"
	"net/netip"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// Site is a compiled model.
type Site struct{ root *config.Root }

// New compiles a model as a proxy does, for all regions. Plugins are not loaded: a chain is chosen without them.
func New(m *lbv1.Model) (*Site, error) {
	list, err := withoutKeys(m.GetResources())
	if err != nil {
		return nil, err
	}
	empty := config.NewWith(config.Location{}, chains.Compiler{}.Provider())
	root, err := empty.Apply(&lbv1.Transaction{Seq: m.GetSeq(), Upserts: list})
	if err != nil {
		return nil, fmt.Errorf("a proxy would not take the model: %w", err)
	}
	return &Site{root}, nil
}

// asking is a request at the listener that takes it.
type asking struct {
	*Site
	*parsed
	client *exchange.Client
	limits exchange.Limits
	engine *exchange.Engine
}

// Explain says what would become of a request.
func (s *Site) Explain(q Request) (*Explanation, error) {
	p, err := parse(q)
	if err != nil {
		return nil, err
	}
	listener, at, err := s.find(p)
	if err != nil {
		return nil, err
	}
	clock := transport.NewClock()
	defer clock.Stop()
	a := s.ask(p, at, clock)
	out := &Explanation{Method: p.Method, URL: p.URL, Listener: listener}
	if _, bad := http1.ParseRequest([]byte(p.head), 0, &a.limits.Message, &message.Request{}); bad != nil {
		out.Answer = &Answer{Status: bad.Status, Reason: bad.Reason}
		return out, nil
	}
	a.explain(out)
	return out, nil
}

func (s *Site) ask(p *parsed, at config.Frontend, clock *transport.Clock) *asking {
	counts := metrics.New(metrics.Options{})
	f := &exchange.Frontend{Name: at.Name, Port: at.Port}
	f.SetTarget(at.TargetProxy)
	peer := cmp.Or(p.Client, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))
	c := exchange.NewClient(f, peer, netip.AddrPortFrom(at.Address, at.Port), p.scheme)
	if p.scheme == "https" {
		c.TLSVersion, c.ServerName = "TLS 1.3", p.serverName()
	}
	return &asking{
		Site: s, parsed: p, client: &c, limits: exchange.CompileLimits(s.root.TargetProxy(at.TargetProxy).Spec.GetLimits()),
		engine: &exchange.Engine{
			Root: func() *config.Root { return s.root }, Metrics: counts,
			Caller: &call.Caller{Clock: clock, Pools: &upstream.Pools{Clock: clock}, Metrics: counts},
		},
	}
}

// fill reads the message as the proxy's codec does.
func (a *asking) fill(q *message.Request) {
	_, _ = http1.ParseRequest([]byte(a.head), 0, &a.limits.Message, q) // Explain has looked at it
	if a.HTTP2 {
		q.Major, q.Minor = 2, 0
	}
}

// foresee takes the request to the i-th backend, if there are some.
func (a *asking) foresee(i int) *exchange.Foresight {
	return a.engine.Foresee(a.client, &a.limits, a.fill, func(r *urlmap.Rule) *urlmap.Backend { return &r.Backends[i] })
}
