package compute

import (
	"encoding/json"
	"maps"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// routeAction is what a rule does beside sending requests on. What Google's API has no field for stands under a name of our
// own, so that nothing of a rule is out of sight.
func (v view) routeAction(rule *lbv1.RouteRule, region string) map[string]any {
	action := map[string]any{}
	if w := rule.GetUrlRewrite(); w != nil {
		action["urlRewrite"] = urlRewrite(w)
	}
	v.addMirrors(action, rule.GetMirrors(), region)
	if c := rule.GetCors(); c != nil {
		action["corsPolicy"] = corsPolicy(c)
	}
	if retry := retryPolicy(rule); len(retry) > 0 {
		action["retryPolicy"] = retry
	}
	if t := rule.GetRequestTimeout(); t != nil {
		action["timeout"] = duration(t)
	} else if rule.GetRequestTimeoutDisabled() {
		action["timeout"] = duration(durationpb.New(0))
	}
	if p := rule.GetPersistence(); p != nil {
		action["sessionPersistence"] = protoFields(p)
	}
	return action
}

func urlRewrite(w *lbv1.UrlRewrite) map[string]any {
	rewrite := map[string]any{}
	for field, value := range map[string]string{
		"hostRewrite": w.GetHost(), "pathPrefixRewrite": w.GetReplacePrefix(), "pathRewrite": w.GetReplaceFull(),
	} {
		if value != "" {
			rewrite[field] = value
		}
	}
	return rewrite
}

// addMirrors shows the first mirror where Google's API has its only one, and all of several under a name of our own.
func (v view) addMirrors(action map[string]any, mirrors []*lbv1.Mirror, region string) {
	all := []any{}
	for _, m := range mirrors {
		policy := map[string]any{"backendService": v.link(region, "backendServices", m.GetBackendService())}
		if d := m.GetDenominator(); d > 0 {
			policy["mirrorPercent"] = 100 * float64(m.GetNumerator()) / float64(d)
		}
		all = append(all, policy)
	}
	if len(all) > 0 {
		action["requestMirrorPolicy"] = all[0]
	}
	if len(all) > 1 {
		action["requestMirrorPolicies"] = all
	}
}

func corsPolicy(c *lbv1.CorsPolicy) map[string]any {
	policy := protoFields(c)
	if c.GetMaxAge() != nil {
		policy["maxAge"] = c.GetMaxAge().GetSeconds()
	}
	return policy
}

func retryPolicy(rule *lbv1.RouteRule) map[string]any {
	policy := map[string]any{}
	if r := rule.GetRetry(); r != nil {
		policy["numRetries"] = r.GetAttempts()
		conditions := []any{}
		if r.GetConnectionErrors() {
			conditions = append(conditions, "connect-failure")
		}
		for _, code := range r.GetCodes() {
			conditions = append(conditions, strconv.FormatUint(uint64(code), 10))
		}
		policy["retryConditions"] = conditions
		if r.GetBackoff() != nil {
			policy["backoff"] = duration(r.GetBackoff()) // not Google's
		}
	}
	if t := rule.GetBackendTimeout(); t != nil {
		policy["perTryTimeout"] = duration(t)
	} else if rule.GetBackendTimeoutDisabled() {
		policy["perTryTimeout"] = duration(durationpb.New(0))
	}
	return policy
}

// headerAction is how headers are edited, nil for not at all.
func headerAction(request, response *lbv1.HeaderEdit) map[string]any {
	action := map[string]any{}
	for prefix, edit := range map[string]*lbv1.HeaderEdit{"requestHeaders": request, "responseHeaders": response} {
		add := []any{}
		for _, h := range edit.GetSet() {
			add = append(add, map[string]any{"headerName": h.GetName(), "headerValue": h.GetValue(), "replace": true})
		}
		for _, h := range edit.GetAdd() {
			add = append(add, map[string]any{"headerName": h.GetName(), "headerValue": h.GetValue(), "replace": false})
		}
		if len(add) > 0 {
			action[prefix+"ToAdd"] = add
		}
		if len(edit.GetRemove()) > 0 {
			remove := []any{}
			for _, name := range edit.GetRemove() {
				remove = append(remove, name)
			}
			action[prefix+"ToRemove"] = remove
		}
	}
	return action
}

// weightedBackend is one share of a rule. What it does to its requests beyond their headers has no place in Google's API.
func (v view) weightedBackend(b *lbv1.WeightedBackend, region string) map[string]any {
	out := map[string]any{"backendService": v.link(region, "backendServices", b.GetBackendService()), "weight": b.GetWeight()}
	if headers := headerAction(b.GetRequestHeaders(), b.GetResponseHeaders()); len(headers) > 0 {
		out["headerAction"] = headers
	}
	maps.Copy(out, v.shareAction(b, region))
	return out
}

func (v view) shareAction(b *lbv1.WeightedBackend, region string) map[string]any {
	out := map[string]any{}
	if w := b.GetUrlRewrite(); w != nil {
		out["urlRewrite"] = urlRewrite(w)
	}
	v.addMirrors(out, b.GetMirrors(), region)
	if r := b.GetRedirect(); r != nil {
		out["urlRedirect"] = urlRedirect(r)
	}
	if c := b.GetCors(); c != nil {
		out["corsPolicy"] = corsPolicy(c)
	}
	return out
}

// plain says whether a share does nothing to its requests: then a rule with no other needs no weights.
func plain(b *lbv1.WeightedBackend) bool {
	return b.GetRequestHeaders() == nil && b.GetResponseHeaders() == nil && b.GetUrlRewrite() == nil && len(b.GetMirrors()) == 0 &&
		b.GetRedirect() == nil && b.GetCors() == nil
}

func duration(d *durationpb.Duration) map[string]any {
	return map[string]any{"seconds": d.GetSeconds(), "nanos": d.GetNanos()}
}

// protoFields are the fields that are set, in lower camel case: mostly what Google's API calls them, too.
func protoFields(m proto.Message) map[string]any {
	fields := map[string]any{}
	b, err := protojson.Marshal(m)
	if err == nil {
		err = json.Unmarshal(b, &fields)
	}
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return fields
}
