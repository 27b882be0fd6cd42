package gateway

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// filters are the filters of a rule or of a backend, translated.
type filters struct {
	requestHeaders, responseHeaders *lbv1.HeaderEdit
	rewrite                         *lbv1.UrlRewrite
	redirect                        *lbv1.Redirect
	mirrors                         []*lbv1.Mirror
	cors                            *lbv1.CorsPolicy
	// origins are where they come from, below the rule or the backend reference.
	origins origins
}

// unacceptable is why a rule cannot be obeyed.
type unacceptable struct {
	reason gatewayv1.RouteConditionReason
	// field is below the rule, the match or the backend reference that was read.
	field, message string
}

func unsupported(field, format string, args ...any) *unacceptable {
	return &unacceptable{gatewayv1.RouteReasonUnsupportedValue, field, fmt.Sprintf(format, args...)}
}

// references follows the backend references of a rule.
type references interface {
	// resolve returns the backend service of a reference; false for one that leads nowhere.
	resolve(gatewayv1.BackendObjectReference) (service string, ok bool)
	// serve500 is the backend service that answers with an error.
	serve500() string
}

// readFilters translates filters. Mirrors whose backend is not found are left out; the route's ResolvedRefs says so.
func readFilters(all []gatewayv1.HTTPRouteFilter, refs references) (out filters, problem *unacceptable) {
	for i := range all {
		f, at := &all[i], item("filters", i)
		switch {
		case f.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil:
			out.requestHeaders = headerEdit(f.RequestHeaderModifier)
			out.from("request_headers", at+".requestHeaderModifier")
		case f.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && f.ResponseHeaderModifier != nil:
			out.responseHeaders = headerEdit(f.ResponseHeaderModifier)
			out.from("response_headers", at+".responseHeaderModifier")
		case f.Type == gatewayv1.HTTPRouteFilterURLRewrite && f.URLRewrite != nil:
			out.rewrite, problem = urlRewrite(f.URLRewrite, at)
			out.from("url_rewrite", at+".urlRewrite")
		case f.Type == gatewayv1.HTTPRouteFilterRequestRedirect && f.RequestRedirect != nil:
			out.redirect, problem = redirect(f.RequestRedirect, at)
			out.from("redirect", at+".requestRedirect")
		case f.Type == gatewayv1.HTTPRouteFilterCORS && f.CORS != nil:
			out.cors = corsPolicy(f.CORS)
			out.from("cors", at+".cors")
		case f.Type == gatewayv1.HTTPRouteFilterRequestMirror && f.RequestMirror != nil:
			if service, ok := refs.resolve(f.RequestMirror.BackendRef); ok {
				out.from(item("mirrors", len(out.mirrors)), at+".requestMirror")
				out.mirrors = append(out.mirrors, mirror(service, f.RequestMirror))
			}
		default:
			problem = unsupported(at, "filter %s is not supported", f.Type)
		}
		if problem != nil {
			return out, problem
		}
	}
	return out, out.compatible()
}

func (f *filters) from(model, spec string) { f.origins = append(f.origins, origin{model, spec}) }

// compatible refuses what has no effect beside a redirect: nothing is sent on.
func (f *filters) compatible() *unacceptable {
	switch {
	case f.redirect == nil:
	case f.rewrite != nil:
		return &unacceptable{gatewayv1.RouteReasonIncompatibleFilters, f.origins.find("url_rewrite"), "RequestRedirect and URLRewrite cannot be in one rule"}
	case len(f.mirrors) > 0:
		return &unacceptable{gatewayv1.RouteReasonIncompatibleFilters, f.origins.find("mirrors[0]"), "RequestRedirect and RequestMirror cannot be in one rule"}
	}
	return nil
}

func headerEdit(f *gatewayv1.HTTPHeaderFilter) *lbv1.HeaderEdit {
	edit := &lbv1.HeaderEdit{}
	for _, h := range f.Set {
		edit.Set = append(edit.Set, &lbv1.Header{Name: strings.ToLower(string(h.Name)), Value: h.Value})
	}
	for _, h := range f.Add {
		edit.Add = append(edit.Add, &lbv1.Header{Name: strings.ToLower(string(h.Name)), Value: h.Value})
	}
	for _, name := range f.Remove {
		edit.Remove = append(edit.Remove, strings.ToLower(name))
	}
	return edit
}

func urlRewrite(f *gatewayv1.HTTPURLRewriteFilter, at string) (*lbv1.UrlRewrite, *unacceptable) {
	out := &lbv1.UrlRewrite{}
	if f.Hostname != nil {
		out.Host = string(*f.Hostname)
	}
	if f.Path == nil {
		return out, nil
	}
	switch {
	case f.Path.Type == gatewayv1.FullPathHTTPPathModifier && f.Path.ReplaceFullPath != nil:
		out.Path = &lbv1.UrlRewrite_ReplaceFull{ReplaceFull: *f.Path.ReplaceFullPath}
	case f.Path.Type == gatewayv1.PrefixMatchHTTPPathModifier && f.Path.ReplacePrefixMatch != nil:
		out.Path = &lbv1.UrlRewrite_ReplacePrefix{ReplacePrefix: *f.Path.ReplacePrefixMatch}
	default:
		return nil, unsupported(at+".urlRewrite.path.type", "%q is not supported", f.Path.Type)
	}
	return out, nil
}

func redirect(f *gatewayv1.HTTPRequestRedirectFilter, at string) (*lbv1.Redirect, *unacceptable) {
	out := &lbv1.Redirect{Status: 302}
	if f.StatusCode != nil {
		out.Status = uint32(*f.StatusCode)
	}
	if f.Scheme != nil {
		out.Scheme = strings.ToLower(*f.Scheme)
	}
	if f.Hostname != nil {
		out.Host = string(*f.Hostname)
	}
	if f.Port != nil {
		out.Port = uint32(*f.Port)
	}
	if f.Path == nil {
		return out, nil
	}
	switch {
	case f.Path.Type == gatewayv1.FullPathHTTPPathModifier && f.Path.ReplaceFullPath != nil:
		out.Path = &lbv1.Redirect_ReplaceFull{ReplaceFull: *f.Path.ReplaceFullPath}
	case f.Path.Type == gatewayv1.PrefixMatchHTTPPathModifier && f.Path.ReplacePrefixMatch != nil:
		out.Path = &lbv1.Redirect_ReplacePrefix{ReplacePrefix: *f.Path.ReplacePrefixMatch}
	default:
		return nil, unsupported(at+".requestRedirect.path.type", "%q is not supported", f.Path.Type)
	}
	return out, nil
}

// mirror is all requests without percent and fraction.
func mirror(service string, f *gatewayv1.HTTPRequestMirrorFilter) *lbv1.Mirror {
	out := &lbv1.Mirror{BackendService: service}
	switch {
	case f.Percent != nil:
		out.Numerator, out.Denominator = uint32(*f.Percent), 100
	case f.Fraction != nil:
		out.Numerator, out.Denominator = uint32(f.Fraction.Numerator), 100
		if f.Fraction.Denominator != nil {
			out.Denominator = uint32(*f.Fraction.Denominator)
		}
	}
	return out
}

// defaultMaxAge is the Gateway API's, in seconds.
const defaultMaxAge = 5

func corsPolicy(f *gatewayv1.HTTPCORSFilter) *lbv1.CorsPolicy {
	out := &lbv1.CorsPolicy{AllowCredentials: f.AllowCredentials != nil && *f.AllowCredentials}
	for _, origin := range f.AllowOrigins {
		out.AllowOrigins = append(out.AllowOrigins, string(origin))
	}
	for _, method := range f.AllowMethods {
		out.AllowMethods = append(out.AllowMethods, string(method))
	}
	for _, name := range f.AllowHeaders {
		out.AllowHeaders = append(out.AllowHeaders, string(name))
	}
	for _, name := range f.ExposeHeaders {
		out.ExposeHeaders = append(out.ExposeHeaders, string(name))
	}
	seconds := f.MaxAge
	if seconds == 0 {
		seconds = defaultMaxAge
	}
	out.MaxAge = durationpb.New(time.Duration(seconds) * time.Second)
	return out
}
