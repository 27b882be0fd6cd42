package gateway

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// ruleBody is a rule without its match and place.
type ruleBody struct {
	filters
	name        string
	forward     *lbv1.Forward
	retry       *lbv1.RetryPolicy
	persistence *lbv1.SessionPersistence
	request     timeout
	backend     timeout
}

// timeout tells "unset" from "none at all".
type timeout struct {
	duration *durationpb.Duration
	disabled bool
}

// readRule translates what a rule does.
func readRule(route *routeView, index int, refs references) (body ruleBody, problem *unacceptable) {
	rule := &route.rules[index]
	body.name = rule.name
	if body.filters, problem = readFilters(rule.filters, refs); problem != nil {
		return body, problem
	}
	if problem = body.setTimes(rule); problem != nil {
		return body, problem
	}
	if body.persistence, problem = sessionPersistence(rule.persistence, route, index); problem != nil {
		return body, problem
	}
	body.origins = append(body.origins, ruleOrigins...)
	if body.redirect == nil {
		problem = body.readBackends(rule, refs)
	}
	return body, problem
}

// refused is the body of a rule that cannot be obeyed: its requests get an error rather than what another rule says.
func refused(rule *ruleView, refs references) ruleBody {
	return ruleBody{name: rule.name, forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: refs.serve500(), Weight: 1}}}}
}

// ruleOrigins are those of what a rule says beside its filters.
var ruleOrigins = origins{
	{"retry", "retry"},
	{"persistence", "sessionPersistence"},
	{"persistence.name", "sessionPersistence.sessionName"},
	{"request_timeout", "timeouts.request"},
	{"backend_timeout", "timeouts.backendRequest"},
	{"forward", "backendRefs"},
	{"forward.backends", "backendRefs"},
}

// readBackends splits a rule's requests. The share of a reference that leads nowhere gets 500, and so does everything if
// no reference has a weight.
func (b *ruleBody) readBackends(rule *ruleView, refs references) *unacceptable {
	b.forward = &lbv1.Forward{}
	for i := range rule.backends {
		ref, at := &rule.backends[i], item("backendRefs", i)
		weight := uint32(1)
		if ref.Weight != nil {
			weight = uint32(*ref.Weight)
		}
		// A backend of weight 0 is followed, too: it stays known and its health checked.
		service, ok := refs.resolve(ref.BackendObjectReference)
		f, problem := readFilters(ref.Filters, refs)
		if problem == nil {
			problem = b.compatibleWith(&f)
		}
		if problem != nil {
			problem.field = at + "." + problem.field
			return problem
		}
		if weight == 0 {
			continue
		}
		b.origins = append(b.origins, f.origins.below(item("forward.backends", len(b.forward.GetBackends())), at)...)
		if !ok {
			b.forward.Backends = append(b.forward.Backends, &lbv1.WeightedBackend{BackendService: refs.serve500(), Weight: weight})
			continue
		}
		b.forward.Backends = append(b.forward.Backends, &lbv1.WeightedBackend{
			BackendService: service, Weight: weight, RequestHeaders: f.requestHeaders, ResponseHeaders: f.responseHeaders,
			UrlRewrite: f.rewrite, Mirrors: f.mirrors, Redirect: f.redirect, Cors: f.cors,
		})
	}
	if len(b.forward.GetBackends()) == 0 {
		b.forward.Backends = []*lbv1.WeightedBackend{{BackendService: refs.serve500(), Weight: 1}}
	}
	return nil
}

// compatibleWith compares the filters of a rule with those of one of its backends.
func (b *ruleBody) compatibleWith(f *filters) *unacceptable {
	if f.redirect == nil || b.rewrite == nil && len(b.mirrors) == 0 {
		return nil
	}
	return &unacceptable{
		gatewayv1.RouteReasonIncompatibleFilters, f.origins.find("redirect"), "the rule has filter URLRewrite or RequestMirror, which does nothing for a RequestRedirect",
	}
}

// setTimes reads timeouts and retries.
func (b *ruleBody) setTimes(rule *ruleView) *unacceptable {
	var err error
	if t := rule.timeouts; t != nil {
		if b.request, err = readTimeout(t.Request); err != nil {
			return unsupported("timeouts.request", "%v", err)
		}
		if b.backend, err = readTimeout(t.BackendRequest); err != nil {
			return unsupported("timeouts.backendRequest", "%v", err)
		}
	}
	if rule.retry == nil {
		return nil
	}
	b.retry = &lbv1.RetryPolicy{Attempts: 1, ConnectionErrors: true}
	if rule.retry.Attempts != nil {
		b.retry.Attempts = uint32(min(*rule.retry.Attempts, math.MaxInt32))
	}
	for _, code := range rule.retry.Codes {
		b.retry.Codes = append(b.retry.Codes, uint32(code))
	}
	if rule.retry.Backoff != nil {
		d, err := time.ParseDuration(string(*rule.retry.Backoff))
		if err != nil {
			return unsupported("retry.backoff", "%v", err)
		}
		b.retry.Backoff = durationpb.New(d)
	}
	return nil
}

func readTimeout(text *gatewayv1.Duration) (timeout, error) {
	if text == nil {
		return timeout{}, nil
	}
	d, err := time.ParseDuration(string(*text))
	if err != nil {
		return timeout{}, err
	}
	if d == 0 {
		return timeout{disabled: true}, nil
	}
	return timeout{duration: durationpb.New(d)}, nil
}

// rule places the rule: one match at one host of one listener.
func (b *ruleBody) rule(r *routeView, at place, m *matchView, ruleIndex, matchIndex int) *lbv1.RouteRule {
	rank := m.rank
	rank.created, rank.route, rank.kind, rank.rule, rank.match = r.created, r.name(), r.kind, ruleIndex, matchIndex
	rule := &lbv1.RouteRule{
		UrlMap: at.listener.URLMap, ListenerHost: at.listener.Host, Host: at.host, Precedence: rank.String(), Match: m.match,
		Route: r.name(), Rule: b.name, Owner: r.owner, Grpc: r.grpc(),
		RequestHeaders: b.requestHeaders, ResponseHeaders: b.responseHeaders, UrlRewrite: b.rewrite, Mirrors: b.mirrors,
		Cors: b.cors, Retry: b.retry, Persistence: b.persistence,
		RequestTimeout: b.request.duration, RequestTimeoutDisabled: b.request.disabled,
		BackendTimeout: b.backend.duration, BackendTimeoutDisabled: b.backend.disabled,
	}
	if b.redirect != nil {
		rule.Action = &lbv1.RouteRule_Redirect{Redirect: b.redirect}
	} else {
		rule.Action = &lbv1.RouteRule_Forward{Forward: b.forward}
	}
	return rule
}

// resource is the rule under its name.
func (b *ruleBody) resource(r *routeView, at place, m *matchView, ruleIndex, matchIndex int) *lbv1.Resource {
	rule := b.rule(r, at, m, ruleIndex, matchIndex)
	return &lbv1.Resource{Name: urlmap.RuleName(rule), Body: &lbv1.Resource_RouteRule{RouteRule: rule}}
}
