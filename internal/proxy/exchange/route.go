package exchange

import (
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// The bodies of local answers, as Google's load balancers write them.
const (
	bodyAbort       = "fault filter abort"
	bodyUnhealthy   = "no healthy upstream"
	bodyTimeout     = "upstream request timeout"
	bodyClosed      = "upstream connection closed"
	bodyNoConfig    = "no route matched"
	bodyNoProtocol  = "protocol not supported"
	bodyMisdirected = "misdirected request"
)

// admit refuses what must not be asked on the client's connection, whoever may change the request later. false: it has answered.
func (x *Exchange) admit() bool {
	if x.target == nil {
		x.answerLocally(404, []byte(bodyAbort), accesslog.ConfigNotFound)
		return false
	}
	if x.target.Misdirected(x.client.ServerName, x.Request.Authority) {
		x.answerLocally(421, []byte(bodyMisdirected), accesslog.MisdirectedRequest)
		return false
	}
	if !x.readOddities() || !x.readUpgrade() {
		return false
	}
	x.copyRequest()
	return true
}

// route finds the backend service, or a redirect, for the request as route filters have left it. false: it has answered locally.
func (x *Exchange) route() bool {
	if !x.readPathAgain() {
		return false
	}
	x.rule = x.target.Map.Match(&x.Sent)
	if x.rule != nil {
		x.backend = x.rule.Choose()
	}
	return x.follow()
}

// follow does what the rule and its backend say about where the request goes. false: it has answered locally.
func (x *Exchange) follow() bool {
	if x.rule == nil {
		return x.to(x.target.DefaultService)
	}
	if cors := x.cors(); cors.IsPreflight(&x.Request) {
		cors.Preflight(&x.Request, &x.local.Header)
		x.answerLocally(204, nil, accesslog.CORSPreflight)
		return false
	}
	if x.redirection() != nil {
		return true
	}
	return x.to(x.backend.Service)
}

// cors is the policy of the backend, else of the rule; nil has none.
func (x *Exchange) cors() *filter.CORS {
	if x.backend != nil && x.backend.CORS != nil {
		return x.backend.CORS
	}
	if x.rule != nil {
		return x.rule.CORS
	}
	return nil
}

// to sets the backend service, unless that answers locally.
func (x *Exchange) to(ref balance.Ref) bool {
	x.service = x.root.Service(ref)
	if x.service == nil {
		x.answerLocally(500, []byte(bodyNoConfig), accesslog.ConfigNotFound)
		return false
	}
	x.derived = x.engine.Caller.Service(config.Material{Root: x.root}, x.service)
	if x.service.AbortStatus != 0 {
		x.answerLocally(x.service.AbortStatus, []byte(bodyAbort), accesslog.FaultFilterAbort)
		return false
	}
	return true
}

// redirection is the redirect of the rule or of the backend; nil forwards.
func (x *Exchange) redirection() *filter.Redirect {
	switch {
	case x.rule == nil:
		return nil
	case x.rule.Redirect != nil:
		return x.rule.Redirect
	}
	return x.backend.Redirect
}

// redirect answers with a Location.
func (x *Exchange) redirect(r *filter.Redirect) {
	at := len(x.arena)
	x.arena = r.Location(x.arena, &x.Sent, x.client.Frontend.Port, x.client.Frontend.Reach)
	x.local.Header.AddID(header.Location, x.arena[at:])
	x.answerLocally(r.Status, nil, accesslog.RedirectedByURLMap)
}
