package urlmap

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
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
	for _, h := range m.GetHeaders() {
		v, err := compileValue(h)
		if err != nil {
			return out, fmt.Errorf("header %q: %w", h.GetName(), err)
		}
		v.name = bytes.ToLower(v.name)
		v.id = header.Lookup(v.name)
		out.headers = append(out.headers, v)
	}
	for _, p := range m.GetQueryParams() {
		v, err := compileValue(p)
		if err != nil {
			return out, fmt.Errorf("query parameter %q: %w", p.GetName(), err)
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
		if !strings.HasPrefix(p.Prefix, "/") {
			return fmt.Errorf("prefix %q does not begin with /", p.Prefix)
		}
		m.kind, m.path = prefixPath, strings.TrimRight(p.Prefix, "/")
	case *lbv1.RouteMatch_Exact:
		if !strings.HasPrefix(p.Exact, "/") {
			return fmt.Errorf("path %q does not begin with /", p.Exact)
		}
		m.kind, m.path = exactPath, p.Exact
	case *lbv1.RouteMatch_Regex:
		m.kind = regexPath
		free, err := regexp.Compile(p.Regex)
		if err != nil {
			return fmt.Errorf("path: %w", err)
		}
		m.path, _ = free.LiteralPrefix()
		m.regex = regexp.MustCompile(whole(p.Regex))
	}
	return nil
}

// whole makes an expression match all of a text only.
func whole(expr string) string { return "^(?:" + expr + ")$" }

func compileValue(in *lbv1.ValueMatch) (valueMatch, error) {
	out := valueMatch{name: []byte(in.GetName())}
	if in.GetName() == "" {
		return out, fmt.Errorf("the name is empty")
	}
	switch v := in.GetValue().(type) {
	case *lbv1.ValueMatch_Exact:
		out.kind, out.exact = exactValue, []byte(v.Exact)
	case *lbv1.ValueMatch_Regex:
		out.kind = regexValue
		if _, err := regexp.Compile(v.Regex); err != nil {
			return out, err
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
	req *message.Request
	// path has no query; params is what follows the "?".
	path, params []byte
	best         *Rule
}

func newQuery(req *message.Request) query {
	path := req.RoutePath
	if path == nil {
		path = req.Path
	}
	q := query{req: req, path: path}
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		q.path, q.params = path[:i], path[i+1:]
	}
	return q
}

// beyond the path, does the rule match?
func (m *match) matches(q *query) bool {
	if m.method != "" && m.method != string(q.req.Method) {
		return false
	}
	for i := range m.headers {
		if v, ok := q.header(&m.headers[i]); !ok || !m.headers[i].accepts(v) {
			return false
		}
	}
	for i := range m.params {
		if v, ok := q.param(m.params[i].name); !ok || !m.params[i].accepts(v) {
			return false
		}
	}
	return m.regex == nil || m.regex.Match(q.path)
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

// header is the value of a header; several fields of the name are joined with ",". `host` is the authority.
func (q *query) header(v *valueMatch) ([]byte, bool) {
	if v.id == header.Host {
		return q.req.Authority, len(q.req.Authority) > 0
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

// param is the first query parameter of a name, compared as it is written: percent-encoding is not undone.
func (q *query) param(name []byte) ([]byte, bool) {
	rest := q.params
	for len(rest) > 0 {
		pair := rest
		if i := bytes.IndexByte(rest, '&'); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if len(pair) >= len(name) && bytes.Equal(pair[:len(name)], name) {
			if len(pair) == len(name) {
				return pair[len(name):], true
			}
			if pair[len(name)] == '=' {
				return pair[len(name)+1:], true
			}
		}
	}
	return nil, false
}
