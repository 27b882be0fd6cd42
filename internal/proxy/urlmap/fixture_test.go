package urlmap

import (
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// anyService resolves every name.
type anyService struct{}

func (anyService) Ref(string) (balance.Ref, bool) { return 0, true }

// spec is a rule resource for a host of a listener.
func spec(listener, host, precedence string, m *lbv1.RouteMatch) *lbv1.RouteRule {
	return &lbv1.RouteRule{
		UrlMap: "map", ListenerHost: listener, Host: host, Precedence: precedence, Match: m,
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{
			Backends: []*lbv1.WeightedBackend{{BackendService: "b", Weight: 1}},
		}},
	}
}

func compiled(t testing.TB, s *lbv1.RouteRule) *Rule {
	t.Helper()
	r, err := Compile(RuleName(s), s, anyService{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mapOf builds a map of rules at once.
func mapOf(listeners []string, rules ...*Rule) *Map {
	e := New().Edit()
	e.SetListeners(listeners)
	for _, r := range rules {
		e.Put(r)
	}
	return e.Commit()
}

func prefix(p string) *lbv1.RouteMatch {
	return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: p}}
}

func exact(p string) *lbv1.RouteMatch {
	return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Exact{Exact: p}}
}

func regex(p string) *lbv1.RouteMatch {
	return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Regex{Regex: p}}
}

func valueIs(name, value string) *lbv1.ValueMatch {
	return &lbv1.ValueMatch{Name: name, Value: &lbv1.ValueMatch_Exact{Exact: value}}
}

// request is "METHOD host/path" with header fields "name: value".
func request(line string, fields ...string) *message.Request {
	method, target, ok := strings.Cut(line, " ")
	if !ok {
		method, target = "GET", line
	}
	host, path, _ := strings.Cut(target, "/")
	req := &message.Request{Method: []byte(method), Authority: []byte(host), Path: []byte("/" + path)}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add([]byte(name), []byte(value))
	}
	return req
}

// answer is the precedence of the rule that applies.
func answer(m *Map, req *message.Request) string {
	if r := m.Match(req); r != nil {
		return r.Precedence
	}
	return ""
}
