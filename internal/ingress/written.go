package ingress

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Annotations that are written on an Ingress, as ingress-gce does.
const (
	writtenPrefix       = "ingress.kubernetes.io/"
	writtenMap          = writtenPrefix + "url-map"
	writtenRedirect     = writtenPrefix + "redirect-url-map"
	writtenRule         = writtenPrefix + "forwarding-rule"
	writtenRuleTLS      = writtenPrefix + "https-forwarding-rule"
	writtenProxy        = writtenPrefix + "target-proxy"
	writtenProxyTLS     = writtenPrefix + "https-target-proxy"
	writtenCertificates = writtenPrefix + "ssl-cert"
	writtenAddress      = writtenPrefix + "static-ip"
	writtenBackends     = writtenPrefix + "backends"
)

// writtenElsewhere is ours: where proxies listen in place of ports that they could not have, and why.
const writtenElsewhere = "ingress.spillway.dev/listens-elsewhere"

func (s *summary) annotations() map[string]string {
	out := map[string]string{writtenMap: s.plan.names(s.ref).URLMap(), writtenBackends: s.backends()}
	if n := s.served.HTTP; n.ForwardingRule != "" {
		out[writtenRule], out[writtenProxy] = n.ForwardingRule, n.TargetProxy
	}
	if n := s.served.HTTPS; n.ForwardingRule != "" {
		out[writtenRuleTLS], out[writtenProxyTLS] = n.ForwardingRule, n.TargetProxy
	}
	if s.served.RedirectMap != "" {
		out[writtenRedirect] = s.served.RedirectMap
	}
	if len(s.served.Certificates) > 0 {
		out[writtenCertificates] = strings.Join(s.served.Certificates, ",")
	}
	if s.served.HTTP.ForwardingRule != "" && s.served.HTTPS.ForwardingRule != "" {
		// What GKE promotes to a static address when there are two forwarding rules.
		out[writtenAddress] = cmp.Or(s.plan.Address, s.served.HTTP.ForwardingRule)
	}
	if texts := s.elsewhere(); len(texts) > 0 {
		out[writtenElsewhere] = strings.Join(texts, "; ")
	}
	if len(s.problems) > 0 {
		out[object.Problems] = object.MarshalProblems(s.problems)
	}
	return out
}

// elsewhere are the addresses that took the place of those that are asked for. They serve.
func (s *summary) elsewhere() (texts []string) {
	for _, e := range s.progress.Elsewhere {
		texts = append(texts, e.String())
	}
	return texts
}

// backends says of each backend service that requests go to how it is, as JSON. After a start, what an earlier process said stands
// until more is known.
func (s *summary) backends() string {
	said, states := s.backendsSaid(), map[string]string{}
	for _, name := range s.routing.Backends {
		state, _ := recompute.Fact[string](s.view, fact.BackendState(name))
		states[name] = cmp.Or(state, said[name], fact.StateUnknown)
	}
	text, err := json.Marshal(states)
	if err != nil {
		panic("ingress: strings do not marshal: " + err.Error())
	}
	return string(text)
}

// backendsSaid is what the annotation says now, nil if nothing.
func (s *summary) backendsSaid() map[string]string {
	written := s.view.Written(s.ref)
	if written == nil {
		return nil
	}
	var said map[string]string
	if json.Unmarshal([]byte(written.Annotations[writtenBackends]), &said) != nil {
		return nil
	}
	return said
}
