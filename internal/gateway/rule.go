package gateway

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
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
func (r *resolver) readRule(rule *ruleView, index int) (body ruleBody, problem *unacceptable) {
	body.name = rule.name
	for _, m := range rule.matches {
		if m.problem != "" {
			return body, unsupported("rule %s: %s", rule.name, m.problem)
		}
	}
	if body.filters, problem = r.readFilters(rule.filters); problem != nil {
		return body, problem
	}
	if problem = checkPrefixModifiers(rule, body.filters); problem != nil {
		return body, problem
	}
	if problem = body.setTimes(rule); problem != nil {
		return body, problem
	}
	if body.persistence, problem = sessionPersistence(rule.persistence, r.route, index); problem != nil {
		return body, problem
	}
	if body.redirect == nil {
		body.forward, problem = r.readBackends(rule)
	}
	return body, problem
}

// checkPrefixModifiers: replacing the matched prefix needs a match that has one.
func checkPrefixModifiers(rule *ruleView, f filters) *unacceptable {
	_, rewrites := f.rewrite.GetPath().(*lbv1.UrlRewrite_ReplacePrefix)
	_, redirects := f.redirect.GetPath().(*lbv1.Redirect_ReplacePrefix)
	if !rewrites && !redirects {
		return nil
	}
	for _, m := range rule.matches {
		if _, prefix := m.match.GetPath().(*lbv1.RouteMatch_Prefix); !prefix {
			return unsupported("rule %s: ReplacePrefixMatch needs matches of type PathPrefix", rule.name)
		}
	}
	return nil
}

// readBackends splits a rule's requests. The share of a reference that leads nowhere gets 500, and so does everything if
// no reference has a weight.
func (r *resolver) readBackends(rule *ruleView) (*lbv1.Forward, *unacceptable) {
	out := &lbv1.Forward{}
	for i := range rule.backends {
		ref := &rule.backends[i]
		weight := uint32(1)
		if ref.Weight != nil {
			weight = uint32(*ref.Weight)
		}
		// A backend of weight 0 is followed, too: it stays known and its health checked.
		service, ok := r.resolve(ref.BackendObjectReference)
		f, problem := r.readFilters(ref.Filters)
		if problem == nil {
			problem = checkPrefixModifiers(rule, f)
		}
		if problem != nil {
			return nil, problem
		}
		if weight == 0 {
			continue
		}
		if !ok {
			out.Backends = append(out.Backends, &lbv1.WeightedBackend{BackendService: r.serve500(), Weight: weight})
			continue
		}
		out.Backends = append(out.Backends, &lbv1.WeightedBackend{
			BackendService: service, Weight: weight, RequestHeaders: f.requestHeaders, ResponseHeaders: f.responseHeaders,
			UrlRewrite: f.rewrite, Mirrors: f.mirrors, Redirect: f.redirect, Cors: f.cors,
		})
	}
	if len(out.GetBackends()) == 0 {
		out.Backends = []*lbv1.WeightedBackend{{BackendService: r.serve500(), Weight: 1}}
	}
	return out, nil
}

func (r *resolver) serve500() string { return backend.Default(r.view, r.gw.Scope, r.gw.Namespace, 500) }

// setTimes reads timeouts and retries.
func (b *ruleBody) setTimes(rule *ruleView) *unacceptable {
	var err error
	if t := rule.timeouts; t != nil {
		if b.request, err = readTimeout(t.Request); err != nil {
			return unsupported("rule %s: request timeout: %v", rule.name, err)
		}
		if b.backend, err = readTimeout(t.BackendRequest); err != nil {
			return unsupported("rule %s: backend request timeout: %v", rule.name, err)
		}
	}
	if rule.retry == nil {
		return nil
	}
	b.retry = &lbv1.RetryPolicy{Attempts: 1, ConnectionErrors: true}
	if rule.retry.Attempts != nil {
		b.retry.Attempts = uint32(*rule.retry.Attempts)
	}
	for _, code := range rule.retry.Codes {
		b.retry.Codes = append(b.retry.Codes, uint32(code))
	}
	if rule.retry.Backoff != nil {
		d, err := time.ParseDuration(string(*rule.retry.Backoff))
		if err != nil {
			return unsupported("rule %s: retry backoff: %v", rule.name, err)
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

// resource places the rule: one match at one host of one listener.
func (b *ruleBody) resource(r *routeView, at place, m *matchView, ruleIndex, matchIndex int) *lbv1.Resource {
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
	name := rule.GetUrlMap() + "/" + rule.GetListenerHost() + "/" + rule.GetHost() + "/" + rule.GetPrecedence()
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_RouteRule{RouteRule: rule}}
}
