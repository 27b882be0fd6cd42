package urlmap

import (
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// Services resolves the names of backend services while rules are compiled.
type Services interface {
	// Ref is false for a name that does not exist.
	Ref(name string) (balance.Ref, bool)
}

// RuleName is the name that a rule's resource must have.
func RuleName(r *lbv1.RouteRule) string {
	return r.GetUrlMap() + "/" + r.GetListenerHost() + "/" + r.GetHost() + "/" + r.GetPrecedence()
}

// Compile checks and compiles one rule.
func Compile(name string, r *lbv1.RouteRule, services Services) (*Rule, error) {
	if want := RuleName(r); name != want {
		return nil, fmt.Errorf("the name is not %q", want)
	}
	if r.GetPrecedence() == "" {
		return nil, errors.New("the precedence is empty")
	}
	if err := errors.Join(CheckHost(r.GetListenerHost()), CheckHost(r.GetHost())); err != nil {
		return nil, err
	}
	out := &Rule{
		Name: name, ListenerHost: r.GetListenerHost(), Host: r.GetHost(), Precedence: r.GetPrecedence(),
		Route: r.GetRoute(), RuleName: r.GetRule(), GRPC: r.GetGrpc(),
	}
	c := compiler{services: services}
	var err error
	if out.match, err = compileMatch(r.GetMatch()); err != nil {
		return nil, refusal.At("match", err)
	}
	if out.match.kind == prefixPath {
		c.prefix = out.match.path + "/"
	}
	c.filters(out, r)
	c.limits(out, r)
	c.action(out, r)
	return out, c.err
}

// compiler keeps the first error of a rule.
type compiler struct {
	services Services
	prefix   string // the matched prefix, "" when the rule matches otherwise
	err      error
}

// check remembers the first error, with where it happened.
func (c *compiler) check(where string, err error) {
	if err != nil && c.err == nil {
		c.err = refusal.At(where, err)
	}
}

func (c *compiler) filters(out *Rule, r *lbv1.RouteRule) {
	var err error
	out.RequestHeaders, err = filter.CompileRequestEdit(r.GetRequestHeaders())
	c.check("request_headers", err)
	out.ResponseHeaders, err = filter.CompileResponseEdit(r.GetResponseHeaders())
	c.check("response_headers", err)
	out.Rewrite, err = filter.CompileRewrite(r.GetUrlRewrite(), c.prefix)
	c.check("url_rewrite", err)
	out.CORS, err = filter.CompileCORS(r.GetCors())
	c.check("cors", err)
	out.Persistence, err = balance.CompilePersistence(r.GetPersistence())
	c.check("persistence", err)
	out.Mirrors = c.mirrors("mirrors", r.GetMirrors())
}

func (c *compiler) limits(out *Rule, r *lbv1.RouteRule) {
	var err error
	out.RequestTimeout, err = compileTimeout(r.GetRequestTimeout(), r.GetRequestTimeoutDisabled())
	c.check("request_timeout", err)
	out.BackendTimeout, err = compileTimeout(r.GetBackendTimeout(), r.GetBackendTimeoutDisabled())
	c.check("backend_timeout", err)
	if p := r.GetRetry(); p != nil {
		out.Retry, err = compileRetry(p)
		c.check("retry", err)
	}
}

// compileTimeout takes an explicit 0 as no timeout.
func compileTimeout(d *durationpb.Duration, disabled bool) (Timeout, error) {
	out := Timeout{D: d.AsDuration(), Disabled: disabled || (d != nil && d.AsDuration() == 0)}
	if out.D < 0 {
		return out, errors.New("is negative")
	}
	if out.D > 0 && disabled {
		return out, errors.New("is set and disabled")
	}
	return out, nil
}

// Limits of what one request can cost.
const (
	maxRetryAttempts = 100
	maxRetryBackoff  = time.Hour
)

func compileRetry(p *lbv1.RetryPolicy) (*Retry, error) {
	out := &Retry{
		Attempts: int(p.GetAttempts()), Backoff: p.GetBackoff().AsDuration(), ConnectionErrors: p.GetConnectionErrors(),
	}
	if p.GetAttempts() > maxRetryAttempts {
		return nil, refusal.Errorf("attempts", "%d are more than %d", p.GetAttempts(), maxRetryAttempts)
	}
	if out.Backoff < 0 || out.Backoff > maxRetryBackoff {
		return nil, refusal.Errorf("backoff", "%v is not from 0 to %v", out.Backoff, maxRetryBackoff)
	}
	for i, code := range p.GetCodes() {
		if code < 400 || code > 599 {
			return nil, refusal.Errorf(refusal.Item("codes", i), "%d is not an error status", code)
		}
		out.Codes = append(out.Codes, int(code))
	}
	return out, nil
}

func (c *compiler) action(out *Rule, r *lbv1.RouteRule) {
	switch a := r.GetAction().(type) {
	case *lbv1.RouteRule_Redirect:
		var err error
		out.Redirect, err = filter.CompileRedirect(a.Redirect, c.prefix)
		c.check("redirect", err)
	case *lbv1.RouteRule_Forward:
		c.forward(out, a.Forward)
	default:
		c.check("action", errors.New("neither forward nor redirect"))
	}
}

func (c *compiler) forward(out *Rule, f *lbv1.Forward) {
	weights := make([]uint32, 0, len(f.GetBackends()))
	sum := uint64(0)
	for i, b := range f.GetBackends() {
		out.Backends = append(out.Backends, c.backend(refusal.Item("forward.backends", i)+".", b))
		weights = append(weights, b.GetWeight())
		sum += uint64(b.GetWeight())
	}
	if sum == 0 || sum > math.MaxInt32 {
		c.check("forward.backends", fmt.Errorf("the sum of the weights is %d", sum))
		return
	}
	out.split = balance.NewSplit(weights)
}

func (c *compiler) backend(at string, b *lbv1.WeightedBackend) Backend {
	name := b.GetBackendService()
	out := Backend{Service: c.service(name), ServiceName: name, Mirrors: c.mirrors(at+"mirrors", b.GetMirrors())}
	var err error
	out.RequestHeaders, err = filter.CompileRequestEdit(b.GetRequestHeaders())
	c.check(at+"request_headers", err)
	out.ResponseHeaders, err = filter.CompileResponseEdit(b.GetResponseHeaders())
	c.check(at+"response_headers", err)
	out.Rewrite, err = filter.CompileRewrite(b.GetUrlRewrite(), c.prefix)
	c.check(at+"url_rewrite", err)
	out.Redirect, err = filter.CompileRedirect(b.GetRedirect(), c.prefix)
	c.check(at+"redirect", err)
	out.CORS, err = filter.CompileCORS(b.GetCors())
	c.check(at+"cors", err)
	return out
}

func (c *compiler) mirrors(at string, in []*lbv1.Mirror) []Mirror {
	var out []Mirror
	for i, m := range in {
		if m.GetDenominator() > 0 && m.GetNumerator() > m.GetDenominator() {
			c.check(refusal.Item(at, i), fmt.Errorf("a share of %d/%d is more than all", m.GetNumerator(), m.GetDenominator()))
		}
		out = append(out, Mirror{
			Service: c.service(m.GetBackendService()), ServiceName: m.GetBackendService(),
			Sample: balance.NewSampler(m.GetNumerator(), m.GetDenominator()),
		})
	}
	return out
}

// service resolves a name. One that does not exist is the caller's to report: it counts references of all kinds.
func (c *compiler) service(name string) balance.Ref {
	ref, _ := c.services.Ref(name)
	return ref
}
