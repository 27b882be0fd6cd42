package urlmap

import (
	"fmt"
	"slices"
	"strings"

	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Verdict is a rule that was considered.
type Verdict struct {
	Rule *Rule
	// Miss is the first thing by which it does not apply; "" applies.
	Miss string
}

// Explain lists the rules of the host that Match looks at, in order of precedence, up to the one that it returns: why each before
// that does not apply. It looks at every rule: it is for people who ask.
func (m *Map) Explain(req *message.Request) []Verdict {
	all, ok := m.rulesOf(req)
	if !ok {
		return nil
	}
	applies, method := m.Match(req), req.Method
	if applies != m.match(req, method) {
		method, _ = filter.PreflightMethod(req)
	}
	var out []Verdict
	for _, r := range all.list() {
		q := newQuery(req)
		q.method = method
		out = append(out, Verdict{Rule: r, Miss: r.miss(&q)})
		if r == applies {
			break
		}
	}
	return out
}

// list is all rules, in order of precedence.
func (r *rules) list() []*Rule {
	var out []*Rule
	for _, tree := range r.byKind {
		tree.Root().Walk(func(_ []byte, b *bucket) bool {
			out = append(out, b.plain...)
			for i := range b.keyed {
				b.keyed[i].each(func(rules []*Rule) { out = append(out, rules...) })
			}
			return false
		})
	}
	slices.SortFunc(out, func(a, b *Rule) int { return strings.Compare(a.Precedence, b.Precedence) })
	return out
}

func (k *keyed) each(fn func([]*Rule)) {
	k.values.Root().Walk(func(_ []byte, rules []*Rule) bool {
		fn(rules)
		return false
	})
}

// miss asks the index of a map that has no other rule, so that it cannot differ from Match.
func (r *Rule) miss(q *query) string {
	alone := newRules()
	kind := r.match.kind
	alone.byKind[kind], _, _ = iradix.New[*bucket]().Insert([]byte(r.match.path), (&bucket{}).with(r))
	if alone.find(q) == r {
		return ""
	}
	m := &r.match
	if m.method != "" && m.method != string(q.method) {
		return fmt.Sprintf("the method is %s", q.method)
	}
	for i := range m.headers {
		if h := &m.headers[i]; !q.hasHeader(h) {
			v, ok := q.header(h)
			return missed("header", h.name, v, ok)
		}
	}
	for i := range m.params {
		if p := &m.params[i]; !q.hasParam(p) {
			v, ok := q.param(p.name)
			return missed("query parameter", p.name, v, ok)
		}
	}
	return fmt.Sprintf("the path is %s", q.path)
}

func missed(what string, name, value []byte, there bool) string {
	if !there {
		return fmt.Sprintf("there is no %s %s", what, name)
	}
	return fmt.Sprintf("%s %s is %q", what, name, value)
}
