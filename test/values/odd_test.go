package values

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// object is a document as JSON has it.
type object = map[string]any

// value is one odd value with the object that has it.
type value struct {
	// field is for people: where the value is.
	field string
	doc   object
	// ask is a request that the value's rule is to answer; nil is GET / of the object's host.
	ask *ask
}

// ask is a request.
type ask struct {
	method, path, upgrade string
	header, value         string
}

// odd are texts that are hard on somebody.
var odd = []string{
	"a b", " a", "a ", "a\tb", "a\nb", "a\rb", "a\x01b", "a\x7fb", "ü", "日本", "a#b", "a?b", "a?b=c", "a%20b", "a%2Fb", "a%2f", "100%", "%zz", "%", "%00",
	"..", ".", "%2e%2e", "%2E", "a/../b", "a/./b", "//", "a//b", "\\", "a\\b", "\"", "'", "<a>", "{x}", "[x]", "|", "^", "`", "~", "*", "a*b", "+", "a+b", "&",
	"a&b", "=", "a=b", ";", "a;b", "..;", ":", "a:b", "@", "!", "$", "$1", "(", ")", ",", "a,b", "-", "_", "a_b", "0", "-1", "true", "null", "A", "aB", strings.Repeat("x", 200),
}

// headers are names that mean something, and names that are hardly any.
var headers = []string{
	"Accept-Encoding", "Access-Control-Allow-Origin", "Age", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length",
	"Content-Type", "Cookie", "Date", "Expect", "Grpc-Timeout", "Host", "HTTP2-Settings", "Keep-Alive", "Location", "Origin", "Proxy-Authenticate",
	"Proxy-Connection", "Referer", "Server", "Set-Cookie", "TE", "Traceparent", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via",
	"X-Forwarded-For", "X-Forwarded-Proto", ":authority", ":path", "a b", "", "ü", "a:b", "x_y", "!", "`", "~", "X-Lower", "x-lower",
}

// pieces are what drawn texts are made of.
var pieces = []string{
	"a", "B", "0", "9", " ", "\t", "\x00", "\x1f", "\x7f", "ü", "日", "\u2028", "\ufeff", "%", "%2", "%2F", "%2e", "%25", "%C3", "%c3%bc", "/", "//", ".", "..", "/../", "\\",
	"?", "#", "&", "=", ";", ",", ":", "@", "*", "+", "-", "_", "~", "!", "$", "'", "\"", "(", ")", "[", "]", "{", "}", "{client_region}", "|", "^", "`", "<", ">",
}

// drawn makes texts at random, the same ones for the same seeds.
func drawn(n int, seed, stream uint64) []string {
	draw := rand.New(rand.NewPCG(seed, stream))
	out := make([]string, n)
	for i := range out {
		for range 1 + draw.IntN(4) {
			out[i] += pieces[draw.IntN(len(pieces))]
		}
	}
	return out
}

// rule is an HTTPRoute of one rule.
func rule(fields object) object {
	return object{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"spec": object{"parentRefs": []any{object{"name": "web"}}, "rules": []any{fields}},
	}
}

func grpcRule(fields object) object {
	doc := rule(fields)
	doc["kind"] = "GRPCRoute"
	return doc
}

func toA() []any { return []any{object{"name": "a", "port": 80}} }

// with puts a filter on a rule, or on its backend.
func with(onBackend bool, filter object) object {
	if onBackend {
		return object{"backendRefs": []any{object{"name": "a", "port": 80, "filters": []any{filter}}}}
	}
	fields := object{"filters": []any{filter}, "matches": []any{object{"path": object{"value": "/"}}}}
	if filter["type"] != "RequestRedirect" {
		fields["backendRefs"] = toA()
	}
	return fields
}

func all() []value {
	var out []value
	for _, make := range []func() []value{matches, filters, redirects, limits, backends, grpc, services, policies, gateways, extensions, plugins, ingresses, backendConfigs, frontendConfigs, texts} {
		out = append(out, make()...)
	}
	return out
}

func matches() (out []value) {
	add := func(field string, match object, a *ask) {
		out = append(out, value{"matches[]." + field, rule(object{"matches": []any{match}, "backendRefs": toA()}), a})
	}
	for _, text := range odd {
		for _, kind := range []string{"Exact", "PathPrefix"} {
			add("path "+kind, object{"path": object{"type": kind, "value": "/" + text}}, &ask{path: "/" + text})
		}
		add("path RegularExpression", object{"path": object{"type": "RegularExpression", "value": "/" + text}}, &ask{path: "?"})
		add("headers[].value", object{"headers": []any{object{"name": "x-a", "value": text}}}, &ask{header: "x-a", value: text})
		add("queryParams[].value", object{"queryParams": []any{object{"name": "q", "value": text}}}, &ask{path: "/?q=" + encode(text)})
		add("queryParams[].value", object{"queryParams": []any{object{"name": "q", "type": "RegularExpression", "value": text}}}, &ask{path: "?"})
	}
	for _, name := range headers {
		a := &ask{header: strings.ToLower(name), value: "trailers"}
		if name == "Upgrade" {
			a = &ask{upgrade: "trailers"}
		}
		if name == "Host" {
			a = &ask{path: "?"} // the value is no host of the test
		}
		add("headers[].name", object{"headers": []any{object{"name": name, "value": "trailers"}}}, a)
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"} {
		add("method", object{"method": method}, &ask{method: method})
	}
	return out
}

func encode(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02X", text[i])
	}
	return b.String()
}

func filters() (out []value) {
	for _, onBackend := range []bool{false, true} {
		add := func(field string, filter object) {
			where := "filters[]."
			if onBackend {
				where = "backendRefs[].filters[]."
			}
			out = append(out, value{where + field, rule(with(onBackend, filter)), nil})
		}
		for _, what := range []string{"RequestHeaderModifier", "ResponseHeaderModifier"} {
			key := strings.ToLower(what[:1]) + what[1:]
			for _, name := range headers {
				add(key+".set[].name", object{"type": what, key: object{"set": []any{object{"name": name, "value": "a"}}}})
				add(key+".add[].name", object{"type": what, key: object{"add": []any{object{"name": name, "value": "a"}}}})
				add(key+".remove[]", object{"type": what, key: object{"remove": []any{name}}})
			}
			add(key+".set[]", object{"type": what, key: object{"set": []any{object{"name": "X-A", "value": "1"}, object{"name": "x-a", "value": "2"}}}})
			add(key+".set[].value", object{"type": what, key: object{"set": []any{object{"name": "Host", "value": "a{b"}}}})
		}
		for _, text := range odd {
			add("urlRewrite.path.replaceFullPath", object{"type": "URLRewrite", "urlRewrite": object{"path": object{"type": "ReplaceFullPath", "replaceFullPath": "/" + text}}})
			if !onBackend {
				add("urlRewrite.path.replacePrefixMatch", object{"type": "URLRewrite", "urlRewrite": object{"path": object{"type": "ReplacePrefixMatch", "replacePrefixMatch": text}}})
			}
		}
		for _, origin := range []string{"*", "http://*", "https://*.a.test", "https://A.test", "http://a.test:99999", "a.test", "null"} {
			add("cors.allowOrigins[]", object{"type": "CORS", "cors": object{"allowOrigins": []any{origin}}})
		}
		for _, name := range append([]string{"*"}, headers...) {
			add("cors.allowHeaders[]", object{"type": "CORS", "cors": object{"allowHeaders": []any{name}, "exposeHeaders": []any{name}}})
		}
		add("cors.maxAge", object{"type": "CORS", "cors": object{"maxAge": 2147483647}})
		add("extensionRef", object{"type": "ExtensionRef", "extensionRef": object{"group": "", "kind": "A", "name": "a"}})
		for _, fraction := range []object{{"numerator": 0}, {"numerator": 1, "denominator": 2147483647}, {"numerator": 2147483647, "denominator": 2147483647}, {"numerator": 101}} {
			add("requestMirror.fraction", object{"type": "RequestMirror", "requestMirror": object{"backendRef": toA()[0], "fraction": fraction}})
		}
		add("requestMirror.backendRef", object{"type": "RequestMirror", "requestMirror": object{"backendRef": object{"name": "none", "port": 80}}})
	}
	return out
}

func redirects() (out []value) {
	for _, onBackend := range []bool{false, true} {
		add := func(field string, to object) {
			out = append(out, value{"requestRedirect." + field, rule(with(onBackend, object{"type": "RequestRedirect", "requestRedirect": to})), nil})
		}
		for _, text := range odd {
			add("path.replaceFullPath", object{"path": object{"type": "ReplaceFullPath", "replaceFullPath": text}})
		}
		for _, status := range []int{301, 302, 303, 307, 308, 304} {
			add("statusCode", object{"statusCode": status})
		}
		for _, host := range []string{"a", "1.2.3.4", "xn--a", strings.Repeat("a", 63) + ".b", "a_b", "A"} {
			add("hostname", object{"hostname": host})
		}
		add("port", object{"port": 65535})
	}
	for _, beside := range []object{
		{"type": "RequestMirror", "requestMirror": object{"backendRef": toA()[0]}},
		{"type": "CORS", "cors": object{"allowOrigins": []any{"*"}}},
		{"type": "ResponseHeaderModifier", "responseHeaderModifier": object{"set": []any{object{"name": "a", "value": "b"}}}},
		{"type": "URLRewrite", "urlRewrite": object{"hostname": "a"}},
	} {
		out = append(out, value{"filters[] beside a redirect", rule(object{"filters": []any{object{"type": "RequestRedirect", "requestRedirect": object{}}, beside}}), nil})
	}
	return out
}

func limits() (out []value) {
	add := func(field string, fields object) {
		fields["backendRefs"] = toA()
		out = append(out, value{field, rule(fields), nil})
	}
	times := []string{"0s", "1ms", "999ms", "1s", "99999h", "99999h99999h99999h99999h", "1h1m1s1ms", "00000s"}
	for _, d := range times {
		add("timeouts.request", object{"timeouts": object{"request": d}})
		add("timeouts.backendRequest", object{"timeouts": object{"backendRequest": d}})
		add("retry.backoff", object{"retry": object{"backoff": d}})
		add("sessionPersistence.absoluteTimeout", object{"sessionPersistence": object{"absoluteTimeout": d}})
		add("sessionPersistence.absoluteTimeout", object{"sessionPersistence": object{"absoluteTimeout": d, "cookieConfig": object{"lifetimeType": "Permanent"}}})
	}
	for _, n := range []int{1, 4, 5, 100, 101, 1 << 20, 1 << 31, 1 << 32, 1 << 40} {
		add("retry.attempts", object{"retry": object{"attempts": n}})
	}
	for _, code := range []int{400, 499, 500, 599} {
		add("retry.codes[]", object{"retry": object{"codes": []any{code}}})
	}
	for _, kind := range []string{"Cookie", "Header"} {
		for _, name := range append(headers, "a;b", "a=b", "a,b", "a/b", "(a)", "\x01") {
			add("sessionPersistence.sessionName", object{"sessionPersistence": object{"type": kind, "sessionName": name}})
		}
	}
	return out
}

func backends() (out []value) {
	add := func(field string, refs ...any) {
		out = append(out, value{"backendRefs[]." + field, rule(object{"backendRefs": refs}), nil})
	}
	add("name", object{"name": "none", "port": 80})
	add("port", object{"name": "a", "port": 65535})
	add("kind", object{"name": "a", "kind": "Pod", "port": 80})
	add("kind", object{"name": "a", "group": "net.gke.io", "kind": "ServiceImport", "port": 80})
	add("group", object{"name": "a", "group": "a.test", "port": 80})
	add("namespace", object{"name": "a", "namespace": "elsewhere", "port": 80})
	add("weight", object{"name": "a", "port": 80, "weight": 0})
	var many []any
	for range 16 {
		many = append(many, object{"name": "a", "port": 80, "weight": 1000000})
	}
	add("weight", many...)
	return out
}

func grpc() (out []value) {
	add := func(field string, fields object, a *ask) {
		if fields["backendRefs"] == nil {
			fields["backendRefs"] = toA()
		}
		out = append(out, value{"GRPCRoute " + field, grpcRule(fields), a})
	}
	for _, text := range odd {
		for _, kind := range []string{"Exact", "RegularExpression"} {
			whole := &ask{path: "/" + text + "/m"}
			if kind != "Exact" {
				whole.path = "?"
			}
			add("method.service", object{"matches": []any{object{"method": object{"type": kind, "service": text}}}}, whole)
			add("method.method", object{"matches": []any{object{"method": object{"type": kind, "service": "s", "method": text}}}}, &ask{path: "?"})
		}
		add("headers[].value", object{"matches": []any{object{"headers": []any{object{"name": "x-a", "value": text}}}}}, &ask{path: "/s/m", header: "x-a", value: text})
	}
	for _, expr := range []string{"^a$", "a|b", "^a|b$", "(?i)a", "a$|^b"} {
		add("method.service", object{"matches": []any{object{"method": object{"type": "RegularExpression", "service": expr}}}}, &ask{path: "/a/m"})
	}
	for _, name := range headers {
		for _, list := range []object{{"set": []any{object{"name": name, "value": "a"}}}, {"remove": []any{name}}} {
			filter := object{"type": "RequestHeaderModifier", "requestHeaderModifier": list}
			add("requestHeaderModifier", object{"filters": []any{filter}}, &ask{path: "/s/m"})
			add("requestHeaderModifier", object{"backendRefs": []any{object{"name": "a", "port": 80, "filters": []any{filter}}}}, &ask{path: "/s/m"})
		}
	}
	add("extensionRef", object{"filters": []any{object{"type": "ExtensionRef", "extensionRef": object{"group": "", "kind": "A", "name": "a"}}}}, &ask{path: "/s/m"})
	return out
}
