package urlmap

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

func TestExplainSaysWhyRulesDoNotApply(t *testing.T) {
	m := mapOf([]string{"*"},
		compiled(t, spec("*", "a.com", "1", &lbv1.RouteMatch{Method: "POST"})),
		compiled(t, spec("*", "a.com", "2", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("env", "canary")}})),
		compiled(t, spec("*", "a.com", "3", &lbv1.RouteMatch{QueryParams: []*lbv1.ValueMatch{valueIs("q", "x")}})),
		compiled(t, spec("*", "a.com", "4", exact("/b"))),
		compiled(t, spec("*", "a.com", "5", prefix("/a"))),
		compiled(t, spec("*", "a.com", "6", prefix("/"))),
		compiled(t, spec("*", "b.com", "1", prefix("/"))))
	for _, tt := range []struct {
		req  *message.Request
		want string
	}{
		{request("a.com/a/x"), "1 the method is GET; 2 there is no header env; 3 there is no query parameter q; 4 the path is /a/x; 5 applies"},
		{request("A.com:80/c?q=y", "env: prod"), `1 the method is GET; 2 header env is "prod"; 3 query parameter q is "y"; 4 the path is /c; 5 the path is /c; 6 applies`},
		{request("POST a.com/"), "1 applies"},
		{request("c.com/"), ""},
	} {
		var said []string
		for _, v := range m.Explain(tt.req) {
			if v.Miss == "" {
				v.Miss = "applies"
			}
			said = append(said, v.Rule.Precedence+" "+v.Miss)
		}
		if got := strings.Join(said, "; "); got != tt.want {
			t.Errorf("%s %s\n got %s\nwant %s", tt.req.Method, tt.req.Path, got, tt.want)
		}
	}
}

// TestExplainOfAPreflight: the rule of the method that it asks for.
func TestExplainOfAPreflight(t *testing.T) {
	shares := spec("*", "a.com", "2", &lbv1.RouteMatch{Method: "PUT"})
	shares.Cors = &lbv1.CorsPolicy{AllowOrigins: []string{"https://o.com"}}
	m := mapOf([]string{"*"}, compiled(t, spec("*", "a.com", "1", &lbv1.RouteMatch{Method: "POST"})), compiled(t, shares))
	all := m.Explain(request("OPTIONS a.com/", "origin: https://o.com", "access-control-request-method: PUT"))
	if len(all) != 2 || all[0].Miss != "the method is PUT" || all[1].Miss != "" {
		t.Errorf("got %+v", all)
	}
}

// agree wants a rule to be said to apply if it is the one that Match returns, and no other.
func agree(t *rapid.T, m *Map, req *message.Request) {
	applies, all := m.Match(req), m.Explain(req)
	i := slices.IndexFunc(all, func(v Verdict) bool { return v.Miss == "" })
	if applies == nil && i >= 0 || applies != nil && (i != len(all)-1 || all[i].Rule != applies) {
		t.Fatalf("%s %s%s: Match says %+v, Explain %+v", req.Method, req.Authority, req.Path, applies, all)
	}
}
