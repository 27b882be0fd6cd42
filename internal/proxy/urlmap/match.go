package urlmap

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
	"github.com/spillway-lb/spillway/internal/proxy/requestpath"
)

// match is a compiled RouteMatch.
type match struct {
	kind pathKind
	// path is the exact path, the prefix without trailing slashes ("" for "/"), or the literal that the expression's
	// matches begin with.
	path    string
	regex   *regexp.Regexp
	method  string
	headers []valueMatch
	params  []valueMatch
}

type pathKind uint8

const (
	prefixPath pathKind = iota
	exactPath
	regexPath
)

// valueMatch compares one header or query parameter.
type valueMatch struct {
	name  []byte
	id    header.ID
	kind  valueKind
	exact []byte
	regex *regexp.Regexp
}

type valueKind uint8

const (
	exactValue valueKind = iota
	regexValue
	present
)

func compileMatch(m *lbv1.RouteMatch) (match, error) {
	out := match{method: m.GetMethod()}
	if err := out.compilePath(m); err != nil {
		return out, err
	}
	if m.GetMethod() == "CONNECT" {
		return out, refusal.Errorf("method", "CONNECT is never routed; a WebSocket over HTTP/2 counts as GET")
	}
	for i, h := range m.GetHeaders() {
		v, err := compileHeader(h)
		if err != nil {
			return out, refusal.At(refusal.Item("headers", i), err)
		}
		out.headers = append(out.headers, v)
	}
	for i, p := range m.GetQueryParams() {
		v, err := compileValue(p)
		if err != nil {
			return out, refusal.At(refusal.Item("query_params", i), err)
		}
		out.params = append(out.params, v)
	}
	return out, nil
}

func (m *match) compilePath(in *lbv1.RouteMatch) error {
	switch p := in.GetPath().(type) {
	case nil:
		m.kind = prefixPath
	case *lbv1.RouteMatch_Prefix:
		path, err := readPath(p.Prefix)
		m.kind, m.path = prefixPath, strings.TrimRight(path, "/")
		return refusal.At("prefix", err)
	case *lbv1.RouteMatch_Exact:
		path, err := readPath(p.Exact)
		m.kind, m.path = exactPath, path
		return refusal.At("exact", err)
	case *lbv1.RouteMatch_Regex:
		return refusal.At("regex", m.compileRegex(p.Regex))
	}
	return nil
}

// readPath reads a path as those of requests are read, so that "/%61" is "/a", too. It is an error if no request has such a path.
func readPath(path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("%q does not begin with /", path)
	}
	for i := 0; i < len(path); i++ {
		if c := path[i]; c <= ' ' || c == 0x7f || c == '?' || c == '#' {
			return "", fmt.Errorf("no path has the byte 0x%02x, as %q does", c, path)
		}
	}
	if resolved := requestpath.Normalize([]byte(path)); string(resolved) != path {
		return "", fmt.Errorf("%q has dot segments, which are resolved before a request is routed: write %q", path, resolved)
	}
	policy := requestpath.Compile(nil)
	reading, err := policy.Read([]byte(path))
	return string(reading.Matched), err
}

func (m *match) compileRegex(expr string) error {
	m.kind = regexPath
	seen, err := capitals(expr)
	if err != nil {
		return err
	}
	free, err := regexp.Compile(seen)
	if err != nil {
		return err
	}
	m.path, _ = free.LiteralPrefix()
	if m.path != "" {
		if !strings.HasPrefix(m.path, "/") {
			return fmt.Errorf("%q matches no path: an expression has to match all of it, from the first / on", expr)
		}
		if i := strings.IndexAny(m.path, "?# "); i >= 0 {
			return fmt.Errorf("%q matches no path: none has a %q", expr, m.path[i])
		}
	}
	m.regex = regexp.MustCompile(whole(seen))
	return nil
}

// whole makes an expression match all of a text only.
func whole(expr string) string { return "^(?:" + expr + ")$" }

// compileHeader refuses what no request has when it is routed. The upgrade of a WebSocket is there, as "upgrade".
func compileHeader(in *lbv1.ValueMatch) (valueMatch, error) {
	out, err := compileValue(in)
	if err != nil {
		return out, err
	}
	out.name = bytes.ToLower(out.name)
	out.id = header.Lookup(out.name)
	switch out.id {
	case header.Connection, header.KeepAlive, header.ProxyConnection, header.TransferEncoding, header.HTTP2Settings, header.Expect:
		return out, refusal.Errorf("name", "header %q belongs to the client's connection, and is gone when a request is routed", out.name)
	case header.Upgrade, header.Host: // which are compared without regard to case
		out.exact = bytes.ToLower(out.exact)
		if out.kind == regexValue {
			out.regex = regexp.MustCompile("(?i)" + out.regex.String())
		}
	case header.TE:
		if out.kind == exactValue && string(out.exact) != "trailers" {
			return out, refusal.Errorf("value", "te belongs to the client's connection, and nothing but \"trailers\" is left of it when a request is routed")
		}
	}
	return out, refusal.At("value", filter.CheckHeaderValue(in.GetExact()))
}

func compileValue(in *lbv1.ValueMatch) (valueMatch, error) {
	out := valueMatch{name: []byte(in.GetName())}
	if in.GetName() == "" {
		return out, refusal.Errorf("name", "the name is empty")
	}
	switch v := in.GetValue().(type) {
	case *lbv1.ValueMatch_Exact:
		out.kind, out.exact = exactValue, []byte(v.Exact)
	case *lbv1.ValueMatch_Regex:
		out.kind = regexValue
		if _, err := regexp.Compile(v.Regex); err != nil {
			return out, refusal.At("value", err)
		}
		out.regex = regexp.MustCompile(whole(v.Regex))
	case *lbv1.ValueMatch_Present:
		if !v.Present {
			return out, fmt.Errorf("present: false is not a match")
		}
		out.kind = present
	default:
		return out, fmt.Errorf("nothing to compare with")
	}
	return out, nil
}

// query is a request as rules look at it.
type query struct {
	req    *message.Request
	method []byte
	// path has no query; params is what follows the "?".
	path, params []byte
	best         *Rule
}

func newQuery(req *message.Request) query {
	path := req.RoutePath
	if path == nil {
		path = req.Path
	}
	q := query{req: req, method: req.Method, path: path}
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		q.path, q.params = path[:i], path[i+1:]
	}
	return q
}

// beyond the path, does the rule match?
func (m *match) matches(q *query) bool {
	if m.method != "" && m.method != string(q.method) {
		return false
	}
	for i := range m.headers {
		if !q.hasHeader(&m.headers[i]) {
			return false
		}
	}
	for i := range m.params {
		if !q.hasParam(&m.params[i]) {
			return false
		}
	}
	return m.regex == nil || m.regex.Match(q.path)
}

func (q *query) hasHeader(h *valueMatch) bool {
	v, ok := q.header(h)
	return ok && h.accepts(v)
}

func (q *query) hasParam(p *valueMatch) bool {
	v, ok := q.param(p.name)
	if !ok || p.accepts(v) {
		return ok
	}
	v, ok = decoded(v)
	return ok && p.accepts(v)
}

func (v *valueMatch) accepts(value []byte) bool {
	switch v.kind {
	case exactValue:
		return bytes.Equal(v.exact, value)
	case regexValue:
		return v.regex.Match(value)
	}
	return true
}

// header is the value of a header; several fields of the name are joined with ",". `host` is the authority, in lower case.
func (q *query) header(v *valueMatch) ([]byte, bool) {
	if v.id == header.Host {
		return lowerCase(q.req.Authority), len(q.req.Authority) > 0
	}
	if v.id == header.Upgrade {
		return q.req.Protocol, q.req.Protocol != nil
	}
	m := &q.req.Header
	var first []byte
	var joined []byte
	n := 0
	for i := range m.Len() {
		f := m.At(i)
		if f.ID != v.id || (v.id == header.Other && !bytes.Equal(f.Name, v.name)) {
			continue
		}
		switch n++; n {
		case 1:
			first = f.Value
		case 2:
			joined = append(append(append(joined, first...), ','), f.Value...)
		default:
			joined = append(append(joined, ','), f.Value...)
		}
	}
	if n > 1 {
		return joined, true
	}
	return first, n == 1
}

// decoded undoes the encoding of a query parameter's name or value; false if there is none or it is broken.
func decoded(value []byte) ([]byte, bool) {
	if bytes.IndexByte(value, '%') < 0 && bytes.IndexByte(value, '+') < 0 {
		return nil, false
	}
	text, err := url.QueryUnescape(string(value))
	return []byte(text), err == nil
}

// param is the value of the first query parameter of a name, as it is written. A name is compared so, and decoded, as a value is.
func (q *query) param(name []byte) ([]byte, bool) {
	rest := q.params
	for len(rest) > 0 {
		pair := rest
		if i := bytes.IndexByte(rest, '&'); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		written, value, _ := bytes.Cut(pair, []byte{'='})
		if bytes.Equal(written, name) {
			return value, true
		}
		if text, ok := decoded(written); ok && bytes.Equal(text, name) {
			return value, true
		}
	}
	return nil, false
}
