package compute

import (
	"encoding/json"
	"strconv"

	api "google.golang.org/api/compute/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func (v *View) routeRule(rule *lbv1.RouteRule, match *api.HttpRouteRuleMatch) *api.HttpRouteRule {
	out := &api.HttpRouteRule{
		Description: rule.GetRoute(), MatchRules: []*api.HttpRouteRuleMatch{match},
		HeaderAction: headerAction(rule.GetRequestHeaders(), rule.GetResponseHeaders()),
	}
	action := v.routeAction(rule)
	switch backends := rule.GetForward().GetBackends(); {
	case rule.GetRedirect() != nil:
		out.UrlRedirect = urlRedirect(rule.GetRedirect())
	case len(backends) == 1 && backends[0].GetRequestHeaders() == nil && backends[0].GetResponseHeaders() == nil:
		out.Service = v.service(backends[0].GetBackendService())
	default:
		action.WeightedBackendServices = v.weightedBackends(backends)
	}
	if !empty(action) {
		out.RouteAction = action
	}
	return out
}

// routeAction is what a rule does beside sending requests on.
func (v *View) routeAction(rule *lbv1.RouteRule) *api.HttpRouteAction {
	return &api.HttpRouteAction{
		UrlRewrite: urlRewrite(rule.GetUrlRewrite()), RequestMirrorPolicy: v.firstMirror(rule.GetMirrors()),
		CorsPolicy: corsPolicy(rule.GetCors()), RetryPolicy: retryPolicy(rule),
		Timeout: timeout(rule.GetRequestTimeout(), rule.GetRequestTimeoutDisabled()),
	}
}

func empty(a *api.HttpRouteAction) bool {
	return a.UrlRewrite == nil && a.RequestMirrorPolicy == nil && a.CorsPolicy == nil && a.RetryPolicy == nil && a.Timeout == nil &&
		a.WeightedBackendServices == nil
}

func (v *View) weightedBackends(backends []*lbv1.WeightedBackend) []*api.WeightedBackendService {
	var out []*api.WeightedBackendService
	for _, b := range backends {
		out = append(out, &api.WeightedBackendService{
			BackendService: v.service(b.GetBackendService()), Weight: int64(b.GetWeight()), ForceSendFields: []string{"Weight"},
			HeaderAction: headerAction(b.GetRequestHeaders(), b.GetResponseHeaders()),
		})
	}
	return out
}

// timeout is 0 for one that is taken away.
func timeout(d *durationpb.Duration, disabled bool) *api.Duration {
	if d == nil && disabled {
		d = durationpb.New(0)
	}
	return duration(d)
}

func urlRewrite(w *lbv1.UrlRewrite) *api.UrlRewrite {
	if w.GetHost() == "" && w.GetReplacePrefix() == "" {
		return nil
	}
	return &api.UrlRewrite{HostRewrite: w.GetHost(), PathPrefixRewrite: w.GetReplacePrefix()}
}

// firstMirror is the first of several: Google's rules have one.
func (v *View) firstMirror(mirrors []*lbv1.Mirror) *api.RequestMirrorPolicy {
	if len(mirrors) == 0 {
		return nil
	}
	return v.mirror(mirrors[0])
}

func (v *View) mirror(m *lbv1.Mirror) *api.RequestMirrorPolicy {
	policy := &api.RequestMirrorPolicy{BackendService: v.service(m.GetBackendService())}
	if d := m.GetDenominator(); d > 0 {
		policy.MirrorPercent = 100 * float64(m.GetNumerator()) / float64(d)
		policy.ForceSendFields = []string{"MirrorPercent"}
	}
	return policy
}

func corsPolicy(c *lbv1.CorsPolicy) *api.CorsPolicy {
	if c == nil {
		return nil
	}
	return &api.CorsPolicy{
		AllowOrigins: c.GetAllowOrigins(), AllowMethods: c.GetAllowMethods(), AllowHeaders: c.GetAllowHeaders(),
		ExposeHeaders: c.GetExposeHeaders(), MaxAge: c.GetMaxAge().GetSeconds(), AllowCredentials: c.GetAllowCredentials(),
	}
}

func retryPolicy(rule *lbv1.RouteRule) *api.HttpRetryPolicy {
	perTry := timeout(rule.GetBackendTimeout(), rule.GetBackendTimeoutDisabled())
	r := rule.GetRetry()
	if r == nil && perTry == nil {
		return nil
	}
	policy := &api.HttpRetryPolicy{NumRetries: int64(r.GetAttempts()), PerTryTimeout: perTry}
	if r != nil {
		policy.ForceSendFields = []string{"NumRetries"}
	}
	if r.GetConnectionErrors() {
		policy.RetryConditions = append(policy.RetryConditions, "connect-failure")
	}
	for _, code := range r.GetCodes() {
		policy.RetryConditions = append(policy.RetryConditions, strconv.FormatUint(uint64(code), 10))
	}
	return policy
}

// headerAction is how headers are edited, nil for not at all.
func headerAction(request, response *lbv1.HeaderEdit) *api.HttpHeaderAction {
	action := &api.HttpHeaderAction{
		RequestHeadersToAdd: headersToAdd(request), RequestHeadersToRemove: request.GetRemove(),
		ResponseHeadersToAdd: headersToAdd(response), ResponseHeadersToRemove: response.GetRemove(),
	}
	if len(action.RequestHeadersToAdd)+len(action.RequestHeadersToRemove)+len(action.ResponseHeadersToAdd)+
		len(action.ResponseHeadersToRemove) == 0 {
		return nil
	}
	return action
}

func headersToAdd(edit *lbv1.HeaderEdit) []*api.HttpHeaderOption {
	var add []*api.HttpHeaderOption
	for _, h := range edit.GetSet() {
		add = append(add, &api.HttpHeaderOption{HeaderName: h.GetName(), HeaderValue: h.GetValue(), Replace: true})
	}
	for _, h := range edit.GetAdd() {
		add = append(add, &api.HttpHeaderOption{HeaderName: h.GetName(), HeaderValue: h.GetValue(), ForceSendFields: []string{"Replace"}})
	}
	return add
}

// redirectCodes are the API's names of statuses.
func redirectCode(status uint32) string {
	names := map[uint32]string{
		301: "MOVED_PERMANENTLY_DEFAULT", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT",
	}
	if name := names[status]; name != "" {
		return name
	}
	return strconv.FormatUint(uint64(status), 10)
}

func urlRedirect(r *lbv1.Redirect) *api.HttpRedirectAction {
	return &api.HttpRedirectAction{
		RedirectResponseCode: redirectCode(r.GetStatus()), HttpsRedirect: r.GetScheme() == "https", HostRedirect: r.GetHost(),
		PrefixRedirect: r.GetReplacePrefix(), PathRedirect: r.GetReplaceFull(),
		ForceSendFields: []string{"HttpsRedirect", "StripQuery"},
	}
}

// ownOfRule is what of a rule has no field in the API.
func (v *View) ownOfRule(rule *lbv1.RouteRule) own {
	o := v.ownOfActions(rule)
	o.set("retryBackoff", text(rule.GetRetry().GetBackoff()), rule.GetRetry().GetBackoff() != nil)
	o.set("sessionPersistence", protoFields(rule.GetPersistence()), rule.GetPersistence() != nil)
	o.set("grpc", true, rule.GetGrpc())
	var shares []own
	for _, b := range rule.GetForward().GetBackends() {
		if share := v.ownOfShare(b); len(share) > 0 {
			share["backendService"] = v.service(b.GetBackendService())
			shares = append(shares, share)
		}
	}
	o.set("weightedBackendServices", shares, len(shares) > 0)
	return o
}

// ownOfActions are parts of a rewrite, of mirrors and of a redirect.
func (v *View) ownOfActions(rule *lbv1.RouteRule) own {
	o := ownOfRedirect(rule.GetRedirect())
	o.set("pathRewrite", rule.GetUrlRewrite().GetReplaceFull(), rule.GetUrlRewrite().GetReplaceFull() != "")
	o.set("requestMirrorPolicies", v.mirrors(rule.GetMirrors()), len(rule.GetMirrors()) > 1)
	return o
}

func ownOfRedirect(r *lbv1.Redirect) own {
	o := own{}
	o.set("portRedirect", r.GetPort(), r.GetPort() != 0)
	o.set("schemeRedirect", r.GetScheme(), r.GetScheme() != "" && r.GetScheme() != "https")
	return o
}

// ownOfShare is what a share does to its requests beyond their headers: in the API only a whole rule can.
func (v *View) ownOfShare(b *lbv1.WeightedBackend) own {
	o := ownOfRedirect(b.GetRedirect())
	o.set("urlRewrite", urlRewrite(b.GetUrlRewrite()), urlRewrite(b.GetUrlRewrite()) != nil)
	o.set("pathRewrite", b.GetUrlRewrite().GetReplaceFull(), b.GetUrlRewrite().GetReplaceFull() != "")
	o.set("requestMirrorPolicies", v.mirrors(b.GetMirrors()), len(b.GetMirrors()) > 0)
	o.set("urlRedirect", urlRedirect(b.GetRedirect()), b.GetRedirect() != nil)
	o.set("corsPolicy", corsPolicy(b.GetCors()), b.GetCors() != nil)
	return o
}

func (v *View) mirrors(mirrors []*lbv1.Mirror) []*api.RequestMirrorPolicy {
	var out []*api.RequestMirrorPolicy
	for _, m := range mirrors {
		out = append(out, v.mirror(m))
	}
	return out
}

// protoFields are the fields that are set, in lower camel case.
func protoFields(m proto.Message) json.RawMessage {
	b, err := protojson.Marshal(m)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"error": err.Error()}) // a map of text has JSON
	}
	return b
}
