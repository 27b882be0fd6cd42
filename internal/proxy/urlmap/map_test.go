package urlmap

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/requestpath"
)

func TestHosts(t *testing.T) {
	m := mapOf([]string{"*", "*.example.com", "api.example.com"},
		compiled(t, spec("*", "*", "any", prefix("/"))),
		compiled(t, spec("*", "other.org", "other", prefix("/"))),
		compiled(t, spec("*.example.com", "*.example.com", "wild", prefix("/"))),
		compiled(t, spec("*.example.com", "*.deep.example.com", "deeper", prefix("/"))),
		compiled(t, spec("*.example.com", "www.example.com", "www", prefix("/www"))),
		compiled(t, spec("api.example.com", "api.example.com", "api", prefix("/v1"))),
	)
	for _, c := range []struct{ target, want string }{
		{"unknown.net/", "any"},
		{"other.org/", "other"},
		{"OTHER.org/", "other"},
		{"other.org:8080/", "other"},
		{"other.org./", "other"},
		{"other.org.:80/", "other"},
		{"example.com/", "any"}, // the wildcard needs a label
		{".example.com/", "any"},
		{"a.example.com/", "wild"},
		{"a.b.example.com/", "wild"},
		{"a.deep.example.com/", "deeper"},
		{"deep.example.com/", "wild"},
		{"www.example.com/www/x", "www"},
		{"www.example.com/", ""}, // no fall-through to the wildcard host
		{"api.example.com/v1/x", "api"},
		{"api.example.com/", ""}, // nor to another listener
		{"[::1]:80/", "any"},
		{"/", "any"},
	} {
		if got := answer(m, request(c.target)); got != c.want {
			t.Errorf("%s: %q, want %q", c.target, got, c.want)
		}
	}
}

func TestWildcardsOfOneLabel(t *testing.T) {
	e := New().Edit()
	e.SetListeners([]string{"*"})
	e.SetOneLabelWildcards(true)
	for host, precedence := range map[string]string{"*": "any", "*.example.com": "wild", "*.deep.example.com": "deeper", "www.example.com": "www"} {
		e.Put(compiled(t, spec("*", host, precedence, prefix("/"))))
	}
	m := e.Commit()
	for _, c := range []struct{ target, want string }{
		{"a.example.com/", "wild"},
		{"A.example.com.:8080/", "wild"},
		{"deep.example.com/", "wild"},
		{"a.deep.example.com/", "deeper"},
		{"www.example.com/", "www"},
		{"a.b.example.com/", "any"},
		{"b.a.deep.example.com/", "any"}, // not that of fewer labels either
		{"example.com/", "any"},
		{".example.com/", "any"},
		{"..example.com/", "any"},
		{"com/", "any"},
		{"/", "any"},
	} {
		if got := answer(m, request(c.target)); got != c.want {
			t.Errorf("%s: %q, want %q", c.target, got, c.want)
		}
	}
}

func TestNoListenerForTheHost(t *testing.T) {
	m := mapOf([]string{"a.example"}, compiled(t, spec("a.example", "*", "all", prefix("/"))))
	if got := answer(m, request("b.example/")); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestPaths(t *testing.T) {
	m := mapOf([]string{"*"},
		compiled(t, spec("*", "*", "1-exact", exact("/a/b"))),
		compiled(t, spec("*", "*", "2-regex", regex("/r/[0-9]+"))),
		compiled(t, spec("*", "*", "3-prefix", prefix("/a/"))),
		compiled(t, spec("*", "*", "4-long", prefix("/a/b/c"))),
		compiled(t, spec("*", "*", "5-encoded", exact("/e/%61"))),
		compiled(t, spec("*", "*", "9-all", nil)),
	)
	for _, c := range []struct{ target, want string }{
		{"h/e/a", "5-encoded"},
		{"h/a/b", "1-exact"},
		{"h/a/b?x=/y", "1-exact"},
		{"h/a/b/", "3-prefix"},
		{"h/a", "3-prefix"},
		{"h/a?x", "3-prefix"},
		{"h/ab", "9-all"},
		{"h/a/b/c/d", "3-prefix"}, // the precedence counts, not the length
		{"h/r/12", "2-regex"},
		{"h/r/12?q", "2-regex"},
		{"h/r/12x", "9-all"},
		{"h/x/r/12", "9-all"},
		{"h/", "9-all"},
		{"h/A/b", "9-all"},
		{"h/a%2Fb", "9-all"},
	} {
		if got := answer(m, request(c.target)); got != c.want {
			t.Errorf("%s: %q, want %q", c.target, got, c.want)
		}
	}
	star := request("OPTIONS h/")
	star.Path = []byte("*")
	if got := answer(m, star); got != "9-all" {
		t.Errorf("asterisk form: %q", got)
	}
}

func TestMatchesBeyondThePath(t *testing.T) {
	present := &lbv1.ValueMatch{Name: "X-There", Value: &lbv1.ValueMatch_Present{Present: true}}
	m := mapOf([]string{"*"},
		compiled(t, spec("*", "*", "01", &lbv1.RouteMatch{Method: "DELETE"})),
		compiled(t, spec("*", "*", "02", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("Env", "canary"), valueIs("b", "2")}})),
		compiled(t, spec("*", "*", "03", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("env", "canary")}})),
		compiled(t, spec("*", "*", "04", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{
			{Name: "version", Value: &lbv1.ValueMatch_Regex{Regex: "v[12]"}},
		}})),
		compiled(t, spec("*", "*", "05", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{present}})),
		compiled(t, spec("*", "*", "06", &lbv1.RouteMatch{QueryParams: []*lbv1.ValueMatch{valueIs("user", "ann")}})),
		compiled(t, spec("*", "*", "07", &lbv1.RouteMatch{QueryParams: []*lbv1.ValueMatch{
			{Name: "n", Value: &lbv1.ValueMatch_Regex{Regex: "[0-9]*"}},
		}})),
		compiled(t, spec("*", "*", "08", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("list", "a,b")}})),
		compiled(t, spec("*", "*", "09", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("host", "By-host")}})),
		compiled(t, spec("*", "*", "10", &lbv1.RouteMatch{QueryParams: []*lbv1.ValueMatch{valueIs("q", "a b")}})),
		compiled(t, spec("*", "*", "11", &lbv1.RouteMatch{QueryParams: []*lbv1.ValueMatch{valueIs("q", "1+1")}})),
		compiled(t, spec("*", "*", "14", &lbv1.RouteMatch{QueryParams: []*lbv1.ValueMatch{valueIs("a&b", "1")}})),
		compiled(t, spec("*", "*", "15", &lbv1.RouteMatch{QueryParams: []*lbv1.ValueMatch{valueIs("c+d", "1")}})),
		compiled(t, spec("*", "*", "12", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("Upgrade", "websocket")}})),
		compiled(t, spec("*", "*", "13", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{
			{Name: "Host", Value: &lbv1.ValueMatch_Regex{Regex: "By-[Rr]egex:[0-9]+"}},
		}})),
		compiled(t, spec("*", "*", "99", nil)),
	)
	for _, c := range []struct {
		line   string
		fields []string
		want   string
	}{
		{"DELETE h/", nil, "01"},
		{"h/", []string{"env: canary", "b: 2"}, "02"},
		{"h/", []string{"env: canary"}, "03"},
		{"h/", []string{"env: Canary"}, "99"},
		{"h/", []string{"version: v2"}, "04"},
		{"h/", []string{"version: v22"}, "99"},
		{"h/", []string{"x-there: "}, "05"},
		{"BY-Host/", nil, "09"},
		{"BY-REGEX:80/", nil, "13"},
		{"h/?user=ann", nil, "06"},
		{"h/?a=b&user=ann", nil, "06"},
		{"h/?user=bob&user=ann", nil, "99"}, // the first one counts
		{"h/?users=ann", nil, "99"},
		{"h/?n=12", nil, "07"},
		{"h/?n", nil, "07"},
		{"h/?n=x", nil, "99"},
		{"h/?user=a%6en", nil, "06"}, // as written, or decoded
		{"h/?user=a%zz", nil, "99"},
		{"h/?n=%31", nil, "07"},
		{"h/?q=a+b", nil, "10"},
		{"h/?q=a%20b", nil, "10"},
		{"h/?q=1%2B1", nil, "11"},
		{"h/?q=1+1", nil, "11"},
		{"h/?a%26b=1", nil, "14"},
		{"h/?a&b=1", nil, "99"},
		{"h/?c+d=1", nil, "15"},
		{"h/?c%2Bd=1", nil, "15"},
		{"h/?%75ser=ann", nil, "06"},
		{"h/?%75ser=bob&user=ann", nil, "99"}, // the first one counts, however it is written
		{"h/?us%zzer=ann", nil, "99"},
		{"h/", []string{"list: a", "x: y", "list: b"}, "08"},
		{"h/", []string{"list: a,b"}, "08"},
		{"h/", []string{"list: a"}, "99"},
		{"by-host/", nil, "09"},
	} {
		if got := answer(m, request(c.line, c.fields...)); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.line, c.fields, got, c.want)
		}
	}
}

// TestDigitsOfEncodedBytes: %c3 is %C3, in rules and in requests.
func TestDigitsOfEncodedBytes(t *testing.T) {
	for _, kind := range []*lbv1.RouteMatch{
		{Path: &lbv1.RouteMatch_Exact{Exact: "/%c3%bC"}},
		{Path: &lbv1.RouteMatch_Prefix{Prefix: "/%c3%bC"}},
		{Path: &lbv1.RouteMatch_Regex{Regex: "/%c3%bC"}},
		{Path: &lbv1.RouteMatch_Regex{Regex: "/[%]?(%c3%bc|%2f)"}},
	} {
		m := mapOf([]string{"*"}, compiled(t, spec("*", "*", "1", kind)))
		for _, written := range []string{"/%c3%bc", "/%C3%BC", "/%C3%bc"} {
			policy := requestpath.Compile(nil)
			reading, err := policy.Read([]byte(written))
			if err != nil {
				t.Fatal(err)
			}
			req := request("h" + written)
			if req.RoutePath = reading.Matched; answer(m, req) != "1" || string(reading.Sent) != written {
				t.Errorf("%v does not match %s, which goes out as %s", kind, written, reading.Sent)
			}
		}
	}
}

// TestCapitalsInExpressions: only what are digits of encoded bytes there, wherever they stand.
func TestCapitalsInExpressions(t *testing.T) {
	for expr, paths := range map[string][2]string{ // one that matches, one that does not
		"/x/%[0-9a-f]{2}":     {"/x/%c3", "/x/%zz"},
		"/%[0-9a-f]{2}abc":    {"/%c3abc", "/%c3ABC"},
		"/[%ab]":              {"/a", "/A"},
		"/%(c3|e2)a":          {"/%e2a", "/%e2A"},
		"/%c3+":               {"/%c3", "/%c4"},
		"/%[89a-f][0-9a-f]/b": {"/%c3/b", "/%13/b"},
		"/[a-f]+":             {"/abc", "/ABC"},
		"/(%2f|%5c)*x":        {"/%2f%5cx", "/%2f%5cX"},
	} {
		m := mapOf([]string{"*"}, compiled(t, spec("*", "*", "1", &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Regex{Regex: expr}})))
		for i, path := range paths {
			policy := requestpath.Compile(nil)
			reading, err := policy.Read([]byte(path))
			if err != nil {
				t.Fatal(err)
			}
			req := request("h" + path)
			if req.RoutePath = reading.Matched; (answer(m, req) == "1") != (i == 0) {
				t.Errorf("%s and %s: %q", expr, path, answer(m, req))
			}
		}
	}
}

func TestAnUpgradeIsMatched(t *testing.T) {
	m := mapOf([]string{"*"},
		compiled(t, spec("*", "*", "1", &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("Upgrade", "WebSocket")}})),
		compiled(t, spec("*", "*", "2", nil)),
	)
	req := request("h/")
	if got := answer(m, req); got != "2" {
		t.Errorf("a plain request goes to %q", got)
	}
	if req.Protocol = []byte("websocket"); answer(m, req) != "1" {
		t.Errorf("a WebSocket goes to %q", answer(m, req))
	}
}

// A preflight has no method of its own to be routed by.
func TestAPreflightGoesWhereItsMethodDoes(t *testing.T) {
	share := func(s *lbv1.RouteRule) *lbv1.RouteRule {
		s.Cors = &lbv1.CorsPolicy{AllowOrigins: []string{"*"}}
		return s
	}
	onBackend := spec("*", "*", "2", &lbv1.RouteMatch{Method: "PATCH"})
	onBackend.GetForward().Backends[0].Cors = &lbv1.CorsPolicy{AllowOrigins: []string{"*"}}
	own := &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/own"}, Method: "OPTIONS"}
	m := mapOf([]string{"*"},
		compiled(t, spec("*", "*", "0", own)),
		compiled(t, share(spec("*", "*", "1", &lbv1.RouteMatch{Method: "GET"}))),
		compiled(t, onBackend),
		compiled(t, spec("*", "*", "3", &lbv1.RouteMatch{Method: "PUT"})),
		compiled(t, spec("*", "*", "4", prefix("/all"))),
	)
	for _, c := range []struct{ target, method, want string }{
		{"h/", "GET", "1"},
		{"h/", "PATCH", "2"},
		{"h/", "PUT", ""},
		{"h/", "DELETE", ""},
		{"h/all", "GET", "1"},
		{"h/all", "PUT", "4"},
		{"h/own", "GET", "0"},
	} {
		req := request("OPTIONS "+c.target, "origin: https://a.example", "access-control-request-method: "+c.method)
		if got := answer(m, req); got != c.want {
			t.Errorf("a preflight for %s of %s goes to %q, want %q", c.method, c.target, got, c.want)
		}
	}
	if got := answer(m, request("OPTIONS h/", "access-control-request-method: GET")); got != "" {
		t.Errorf("OPTIONS without an origin goes to %q", got)
	}
}

func TestMisdirected(t *testing.T) {
	m := mapOf([]string{"*", "*.example.com", "a.example.com"})
	for _, c := range []struct {
		sni, host string
		want      bool
	}{
		{"a.example.com", "a.example.com", false},
		{"a.example.com", "b.example.com", true},
		{"b.example.com", "c.example.com", false}, // one listener
		{"b.example.com", "a.example.com:443", true},
		{"x.org", "y.org", false},
		{"x.org", "a.example.com", true},
		{"", "x.org", false},
		{"", "a.example.com", true},
	} {
		if got := m.Misdirected(c.sni, []byte(c.host)); got != c.want {
			t.Errorf("server name %q, host %q: %v", c.sni, c.host, got)
		}
	}
	if only := mapOf([]string{"a.example"}); only.Misdirected("a.example", []byte("b.example")) {
		t.Error("a host that belongs to no listener is misdirected")
	}
}

func TestEditLeavesTheMapBefore(t *testing.T) {
	one := compiled(t, spec("*", "h", "1", prefix("/")))
	two := compiled(t, spec("*", "h", "2", prefix("/")))
	before := mapOf([]string{"*", "b"}, one, two)
	e := before.Edit()
	e.Delete(one)
	e.SetListeners([]string{"*"})
	after := e.Commit()
	if got := answer(before, request("h/")); got != "1" {
		t.Errorf("the map before answers %q", got)
	}
	if got := answer(after, request("h/")); got != "2" {
		t.Errorf("the map after answers %q", got)
	}
	if got := after.Listeners(); len(got) != 1 || got["*"] != 1 {
		t.Errorf("listeners %v", got)
	}
	e = after.Edit()
	e.Delete(two)
	if got := e.Commit().Listeners(); got["*"] != 0 {
		t.Errorf("listeners %v", got)
	}
}

func TestCompileRefuses(t *testing.T) {
	good := func() *lbv1.RouteRule { return spec("*", "*", "1", prefix("/")) }
	for name, breakIt := range map[string]func(*lbv1.RouteRule){
		"host in capitals": func(r *lbv1.RouteRule) { r.Host = "A.example" },
		"empty host":       func(r *lbv1.RouteRule) { r.Host = "" },
		"wildcard inside":  func(r *lbv1.RouteRule) { r.Host = "a.*.example" },
		"no precedence":    func(r *lbv1.RouteRule) { r.Precedence = "" },
		"no action":        func(r *lbv1.RouteRule) { r.Action = nil },
		"relative prefix":  func(r *lbv1.RouteRule) { r.Match = prefix("a") },
		"expression":       func(r *lbv1.RouteRule) { r.Match = regex("(") },
		"header expression": func(r *lbv1.RouteRule) {
			r.Match.Headers = []*lbv1.ValueMatch{{Name: "a", Value: &lbv1.ValueMatch_Regex{Regex: "("}}}
		},
		"header without":        func(r *lbv1.RouteRule) { r.Match.Headers = []*lbv1.ValueMatch{{Name: "a"}} },
		"encoded dots":          func(r *lbv1.RouteRule) { r.Match = exact("/a/%2e%2E/b") },
		"space in a path":       func(r *lbv1.RouteRule) { r.Match = prefix("/a b") },
		"expression of no path": func(r *lbv1.RouteRule) { r.Match = regex("api/.*") },
		"expression with query": func(r *lbv1.RouteRule) { r.Match = regex(`/a\?x=.*`) },
		"CONNECT":               func(r *lbv1.RouteRule) { r.Match.Method = "CONNECT" },
		"connection":            func(r *lbv1.RouteRule) { r.Match.Headers = []*lbv1.ValueMatch{valueIs("Connection", "Upgrade")} },
		"te":                    func(r *lbv1.RouteRule) { r.Match.Headers = []*lbv1.ValueMatch{valueIs("te", "gzip")} },
		"white space around":    func(r *lbv1.RouteRule) { r.Match.Headers = []*lbv1.ValueMatch{valueIs("a", " b")} },
		"attempts":              func(r *lbv1.RouteRule) { r.Retry = &lbv1.RetryPolicy{Attempts: 101} },
		"backoff":               func(r *lbv1.RouteRule) { r.Retry = &lbv1.RetryPolicy{Backoff: durationpb.New(2 * time.Hour)} },
		"session in a header": func(r *lbv1.RouteRule) {
			r.Persistence = &lbv1.SessionPersistence{Kind: lbv1.SessionPersistence_HEADER, Name: "Host"}
		},
		"weights":            func(r *lbv1.RouteRule) { r.GetForward().Backends[0].Weight = 0 },
		"mirror share":       func(r *lbv1.RouteRule) { r.Mirrors = []*lbv1.Mirror{{Numerator: 3, Denominator: 2}} },
		"retry code":         func(r *lbv1.RouteRule) { r.Retry = &lbv1.RetryPolicy{Codes: []uint32{200}} },
		"backend's redirect": func(r *lbv1.RouteRule) { r.GetForward().Backends[0].Redirect = &lbv1.Redirect{} },
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			breakIt(r)
			if _, err := Compile(RuleName(r), r, anyService{}); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := Compile("other", good(), anyService{}); err == nil {
		t.Error("a name that is not the rule's place was accepted")
	}
}
