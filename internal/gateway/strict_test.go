package gateway

import (
	"strings"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/store"
)

func TestStrictRules(t *testing.T) {
	envoy, classic := strictnessOf(classes()["gke-l7-rilb"]), strictnessOf(classes()["gke-l7-gxlb-mc"])
	for _, c := range []struct {
		name, rule string
		// envoy and classic are what is refused of the rule, "" if nothing is.
		envoy, classic string
	}{
		{"prefix", `{matches: [{path: {value: /a}}]}`, "", ""},
		{"header and query", `{matches: [{headers: [{name: a, value: b}], queryParams: [{name: a, value: b}]}]}`, "", ""},
		{
			"regular expression", `{matches: [{path: {value: /}}, {path: {type: RegularExpression, value: /a+}}]}`,
			"spec.rules[0].matches[1].path.value): Paths must start with '/' character", "Paths must start with '/' character",
		},
		{"method", `{matches: [{method: GET}]}`, "matches[0].method): method matching is not supported", "method matching is not supported"},
		{"timeouts", `{timeouts: {backendRequest: 1s}}`, "timeouts): Timeouts are not supported", "Timeouts are not supported"},
		{"retry", `{retry: {attempts: 2}}`, "retry): retries are not supported", "retries are not supported"},
		{
			"backend filter", `{backendRefs: [{name: a, port: 1}, {name: b, port: 1, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x]}}]}]}`,
			"backendRefs[1].filters[0]): filters of a backendRef are not supported", "filters of a backendRef are not supported",
		},
		{"request headers", `{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x]}}]}`, "", "filters[0]): classic GXLB does not support rule filters"},
		{"response headers", `{filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [x]}}]}`, "", "classic GXLB does not"},
		{"redirect", `{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]}`, "", "classic GXLB does not"},
		{"redirect to a port", `{filters: [{type: RequestRedirect, requestRedirect: {port: 8443}}]}`, "requestRedirect.port): redirects to a port", "classic GXLB does not"},
		{"redirect 307", `{filters: [{type: RequestRedirect, requestRedirect: {statusCode: 307}}]}`, "requestRedirect.statusCode): status 307", "classic GXLB does not"},
		{"host rewrite", `{filters: [{type: URLRewrite, urlRewrite: {hostname: a.example}}]}`, "", "classic GXLB does not"},
		{
			"prefix rewrite", `{matches: [{path: {value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}`,
			"", "classic GXLB does not",
		},
		{
			"path rewrite", `{filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /b}}}]}`,
			`urlRewrite.path.type): "ReplaceFullPath" is not supported`, "classic GXLB does not",
		},
		{"mirror", `{filters: [{type: RequestMirror, requestMirror: {percent: 5, backendRef: {name: a, port: 1}}}]}`, "", "classic GXLB does not"},
		{
			"mirrors", `{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 1}}}, {type: RequestMirror, requestMirror: {backendRef: {name: b, port: 1}}}]}`,
			"filters[1]): more than one filter RequestMirror", "classic GXLB does not",
		},
		{"CORS", `{filters: [{type: CORS, cors: {allowOrigins: ["https://a.example"]}}]}`, "filters[0]): filter CORS is not supported", "classic GXLB does not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			route := &gatewayv1.HTTPRoute{Spec: gatewayv1.HTTPRouteSpec{Rules: make([]gatewayv1.HTTPRouteRule, 1)}}
			if err := yaml.UnmarshalStrict([]byte(c.rule), &route.Spec.Rules[0]); err != nil {
				t.Fatal(err)
			}
			view := httpRouteView(store.Ref{}, route)
			for _, of := range []struct {
				strict strictness
				want   string
			}{{strictness{}, ""}, {envoy, c.envoy}, {classic, c.classic}} {
				problems := judgeRules(view, of.strict)
				if got := problemTexts(problems); of.want == "" && got != "" || !strings.Contains(got, of.want) {
					t.Errorf("%+v: got %q, want %q", of.strict, got, of.want)
				}
				for _, p := range problems {
					for i, sound := range p.sound {
						if !sound {
							t.Errorf("%+v: match %d is known, but nobody answers its requests", of.strict, i)
						}
					}
				}
			}
		})
	}
}
