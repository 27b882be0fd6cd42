package gateway

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/digest"
)

// sessionPersistence translates a rule's. Without a name the cookie or header is named after the rule.
func sessionPersistence(p *gatewayv1.SessionPersistence, route *routeView, rule int) (*lbv1.SessionPersistence, *unacceptable) {
	if p == nil {
		return nil, nil
	}
	out := &lbv1.SessionPersistence{Kind: lbv1.SessionPersistence_COOKIE, SessionCookie: true}
	if p.Type != nil {
		switch *p.Type {
		case gatewayv1.CookieBasedSessionPersistence:
		case gatewayv1.HeaderBasedSessionPersistence:
			out.Kind, out.SessionCookie = lbv1.SessionPersistence_HEADER, false
		default:
			return nil, unsupported("sessionPersistence.type", "%q is not supported", *p.Type)
		}
	}
	if c := p.CookieConfig; c != nil && c.LifetimeType != nil && *c.LifetimeType == gatewayv1.PermanentCookieLifetimeType {
		out.SessionCookie = false
	}
	if p.AbsoluteTimeout != nil {
		d, err := time.ParseDuration(string(*p.AbsoluteTimeout))
		if err != nil {
			return nil, unsupported("sessionPersistence.absoluteTimeout", "%v", err)
		}
		out.AbsoluteTimeout = durationpb.New(d)
	}
	if out.GetAbsoluteTimeout().AsDuration() == 0 && out.GetKind() == lbv1.SessionPersistence_COOKIE && !out.GetSessionCookie() {
		return nil, unsupported("sessionPersistence.absoluteTimeout", "a permanent cookie needs one")
	}
	out.Name = "spillway-session-" + digest.Hex(route.kind+"/"+route.name()+"/"+strconv.Itoa(rule), 8)
	if p.SessionName != nil && *p.SessionName != "" {
		out.Name = *p.SessionName
	}
	return out, nil
}
