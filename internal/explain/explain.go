package explain

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

func (a *asking) explain(out *Explanation) {
	first := a.foresee(0)
	if !first.Routed {
		out.Answer = answer(first.Answer)
		return
	}
	spec := first.Target.Spec
	out.RouteExtension = a.extension("lb_route_extension", spec.GetRouteExtension(), first.Route)
	out.URLMap = a.urlMap(first)
	if first.Rule == nil || len(first.Rule.Backends) == 0 { // the default service, or a redirect
		out.Backends = []Backend{a.backend(first, 1, 1)}
		return
	}
	weights := a.rule(first.Rule).GetForward().GetBackends()
	sum := uint32(0) // at most math.MaxInt32, as compiled
	for _, w := range weights {
		sum += w.GetWeight()
	}
	for i, w := range weights {
		if w.GetWeight() > 0 {
			out.Backends = append(out.Backends, a.backend(a.foresee(i), w.GetWeight(), sum))
		}
	}
}

// rule is the resource that a rule was compiled from.
func (a *asking) rule(r *urlmap.Rule) *lbv1.RouteRule {
	return a.root.Resource("route_rule", r.Name).GetRouteRule()
}

func answer(f *exchange.Foreseen) *Answer {
	if f == nil {
		return nil
	}
	return &Answer{Status: f.Status, Reason: string(f.Details), Location: f.Location}
}

// urlMap says what the URL map found. It looks at the request as it came: with no extension run, nothing has changed it.
func (a *asking) urlMap(f *exchange.Foresight) *URLMap {
	var q message.Request
	a.fill(&q)
	if reading, err := f.Target.Paths.Read(q.Path); err == nil {
		q.RoutePath = reading.Matched
	}
	out := &URLMap{Name: f.Target.Spec.GetUrlMap()}
	out.ListenerHost, _ = f.Target.Map.Listener(q.Authority)
	for _, v := range f.Target.Map.Explain(&q) {
		spec := a.rule(v.Rule)
		r := Rule{Route: object(spec.GetOwner()), Name: v.Rule.RuleName, Match: matchText(spec.GetMatch()), Miss: v.Miss}
		if r.Route == "" {
			r.Route = v.Rule.Route
		}
		if out.Host = v.Rule.Host; v.Miss == "" {
			out.Rule = &r
		} else {
			out.Missed = append(out.Missed, r)
		}
	}
	return out
}

func (a *asking) backend(f *exchange.Foresight, weight, of uint32) Backend {
	out := Backend{Weight: weight, Of: of, Answer: answer(f.Answer)}
	if f.Service != nil {
		a.service(&out, f.Service)
	}
	if f.Traffic != nil || f.Answer == nil {
		out.TrafficExtension = a.extension("lb_traffic_extension", f.Target.Spec.GetTrafficExtension(), f.Traffic)
	}
	if f.Answer == nil {
		out.Sent = sent(&f.Sent)
	}
	return out
}

func (a *asking) service(out *Backend, s *balance.Service) {
	out.Service, out.Endpoints = s.Name, len(s.Handles())
	out.Owner = object(a.root.Resource("backend_service", s.Name).GetBackendService().GetOwner())
}

func sent(q *message.Request) *Sent {
	out := &Sent{Method: string(q.Method), Host: string(q.Authority), Path: string(q.Path), Fields: []Field{}}
	for i := range q.Header.Len() {
		at := q.Header.At(i)
		out.Fields = append(out.Fields, Field{Name: string(at.Name), Value: string(at.Value)})
	}
	return out
}

// extension says which of a resource's chains runs. nil for a target proxy without one.
func (a *asking) extension(kind, name string, considered []exchange.Considered) *Extension {
	if name == "" {
		return nil
	}
	r := a.root.Resource(kind, name)
	spec := r.GetLbRouteExtension()
	if spec == nil {
		spec = r.GetLbTrafficExtension()
	}
	out := &Extension{Name: name, Owner: object(spec.GetOwner()), Chains: []Chain{}}
	for i, c := range spec.GetChains() { // which are compiled in this order
		chain := Chain{Name: c.GetName(), Outcome: Unasked, Fault: c.GetFault(), Members: members(c)}
		if i < len(considered) {
			chain.Outcome, chain.Conditions = outcome(considered[i].Matches), conditions(considered[i].Conditions)
		}
		out.Chains = append(out.Chains, chain)
	}
	return out
}

func outcome(matches bool) string {
	if matches {
		return Runs
	}
	return Misses
}

func conditions(list []extension.Condition) []Condition {
	var out []Condition
	for _, c := range list {
		to := Condition{Holds: c.Holds, BackendService: c.Service, Chosen: c.Service != "" && c.Chosen}
		for _, s := range c.Steps {
			to.Steps = append(to.Steps, Step(s))
		}
		out = append(out, to)
	}
	return out
}

func members(c *lbv1.ExtensionChain) []Member {
	out := []Member{}
	for _, e := range c.GetExtensions() {
		m := Member{Name: e.GetName(), FailOpen: e.GetFailOpen(), Fault: e.GetFault()}
		switch t := e.GetTarget().(type) {
		case *lbv1.Extension_BackendService:
			m.Target = "backend service " + t.BackendService
		case *lbv1.Extension_WasmPlugin:
			m.Target = "plugin " + t.WasmPlugin
		}
		for _, event := range e.GetEvents() {
			m.Events = append(m.Events, event.String())
		}
		out = append(out, m)
	}
	return out
}
