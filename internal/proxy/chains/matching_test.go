package chains_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// whichChain is a callout that tells the backend which chains called it: the metadata's namespace has their names.
func whichChain(s calloutserver.Stream) error {
	for {
		q, err := s.Recv()
		if err != nil {
			return nil
		}
		var names []string
		for namespace := range q.GetMetadataContext().GetFilterMetadata() {
			if parts := strings.Split(namespace, "."); len(parts) > 2 {
				names = append(names, parts[len(parts)-2])
			}
		}
		head := calloutserver.Headers(calloutserver.Set("x-chain-"+strings.Join(names, "-"), "ran"))
		err = s.Send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: head}})
		if err != nil {
			return err
		}
	}
}

// chainNamed calls whichChain if a condition holds.
func chainNamed(name string, match ...*lbv1.MatchExpression) *lbv1.ExtensionChain {
	e := ext(requestHeaders)
	e.Metadata = map[string]string{"a": "b"}
	return &lbv1.ExtensionChain{Name: name, Match: match, Extensions: []*lbv1.Extension{e}}
}

func when(expr string) *lbv1.MatchExpression { return &lbv1.MatchExpression{Cel: expr} }

// ran answers with the names of the chains that ran.
func ran(w http.ResponseWriter, r *http.Request) {
	var names []string
	for name := range r.Header {
		if rest, found := strings.CutPrefix(strings.ToLower(name), "x-chain-"); found {
			names = append(names, rest)
		}
	}
	w.Header().Set("X-Ran", strings.Join(names, ","))
}

// TestWhichChainRuns: the first chain of which an expression holds, and no other; none is no failure.
func TestWhichChainRuns(t *testing.T) {
	x := newSite(t, setup{
		backend: ran, callout: calloutserver.Handler(whichChain), plain: true,
		edit: func(m *resources) {
			m.traffic = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{
				chainNamed("first", when(`request.headers["X-Want"] == "first"`), when(`request.path.startsWith("/first")`)),
				chainNamed("second", when(`request.method != "DELETE" && request.headers["x-want"].lower().startsWith("sec")`)),
				chainNamed("elsewhere", &lbv1.MatchExpression{Cel: `request.path == "/service"`, BackendService: "default"}),
				chainNamed("service", &lbv1.MatchExpression{Cel: `request.path == "/service"`, BackendService: "service"}),
				chainNamed("any", &lbv1.MatchExpression{BackendService: "default"}, &lbv1.MatchExpression{Cel: `request.path == "/any"`}),
				chainNamed("absent", when(`request.path == "/absent" && request.headers["x-no"] != "x"`)),
				chainNamed("absorbed", when(`request.path == "/absent" && (request.headers["x-no"] != "x" || request.method == "GET")`)),
				chainNamed("rest", when(`!request.path.startsWith("/none")`)),
			}}
		},
	})
	for _, tt := range []struct{ method, path, want, ran string }{
		{"GET", "/", "first", "first"},
		{"GET", "/first/x?a=b", "", "first"},
		{"GET", "/first", "second", "first"},
		{"GET", "/", "SECOND", "second"},
		{"DELETE", "/", "second", "rest"},
		{"GET", "/service", "", "service"},
		{"GET", "/any", "", "any"},
		{"GET", "/absent", "", "absorbed"},
		{"POST", "/absent", "", "rest"},
		{"GET", "/none", "", ""},
		{"GET", "/none?/first", "", ""},
	} {
		for _, version := range []int{1, 2} {
			q, err := http.NewRequest(tt.method, "http://"+x.addr+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want != "" {
				q.Header.Set("X-Want", tt.want)
			}
			if got := x.chains(version, q); got != tt.ran {
				t.Errorf("HTTP/%d %s %s, x-want %q: %q ran, want %q", version, tt.method, tt.path, tt.want, got, tt.ran)
			}
		}
	}
}

// chains sends a request and says which chains ran.
func (x *site) chains(version int, q *http.Request) string {
	x.t.Helper()
	return chainsOf(x.t, client(x.t, version), q)
}

func chainsOf(t testing.TB, c *http.Client, q *http.Request) string {
	t.Helper()
	res, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", q.URL, res.Status, err)
	}
	return res.Header.Get("X-Ran")
}

// aim sets a request's target as it is written.
func aim(q *http.Request, target string) {
	path, query, _ := strings.Cut(target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		panic(err)
	}
	q.URL.Path, q.URL.RawPath, q.URL.RawQuery = plain, path, query
}

// TestAttributesOfRequests has a chain of one condition for each attribute, over plain connections of both versions.
func TestAttributesOfRequests(t *testing.T) {
	for expr, want := range map[string]bool{
		`request.method == "PUT"`:                                    true,
		`request.host == "store.example.com:8080"`:                   true,
		`request.headers["Host"] == "store.example.com"`:             true,
		`request.path == "/a%20b/C"`:                                 true,
		`request.query == "x=1&y=a%20b?c"`:                           true,
		`request.scheme == "http"`:                                   true,
		`request.headers["x-one"] == "One"`:                          true,
		`request.headers["x-many"] == "a,b, c"`:                      true,
		`request.headers["x-empty"] == ""`:                           true,
		`request.headers["x-none"] == ""`:                            false,
		`request.headers["x-bytes"].matches("^\\xe9$")`:              true,
		`int(request.headers["x-number"]) > 41`:                      true,
		`source.ip == "127.0.0.1" && source.port > 1023`:             true,
		`connection.sni == ""`:                                       true,
		`connection.tls_version != "TLSv1.3"`:                        false,
		`connection.sha256_peer_certificate_digest != "x"`:           false,
		`request.backend_service_name == "service"`:                  true,
		`request.backend_service_num_endpoints == 1`:                 true,
		`request.backend_service_project_number == 0`:                false,
		`response.code == 200 || response.headers["x-ran"] == ""`:    false,
		`request.headers["x-forwarded-for"].startsWith("127.0.0.1")`: false,
		`request.host + request.path == "store.example.com/a%20b/C"`: true,
	} {
		x := newSite(t, setup{
			backend: ran, callout: calloutserver.Handler(whichChain), plain: true,
			edit: func(m *resources) {
				m.traffic = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{chainNamed("it", when(expr))}}
			},
		})
		for _, version := range []int{1, 2} {
			q, err := http.NewRequest(http.MethodPut, "http://"+x.addr, nil)
			if err != nil {
				t.Fatal(err)
			}
			aim(q, "/a%20b/x/../C?x=1&y=a%20b?c")
			q.Host = "store.example.com:8080"
			q.Header = http.Header{"X-One": {"One"}, "X-Many": {"a", "b, c"}, "X-Empty": {""}, "X-Bytes": {"\xe9"}, "X-Number": {"42"}}
			if got := x.chains(version, q) == "it"; got != want {
				t.Errorf("HTTP/%d: %s: %v, want %v", version, expr, got, want)
			}
		}
	}
}

// TestConditionsAreNotEvaded: what a rule for /admin of store.example.com is met by, so is a condition, in chains of both kinds.
func TestConditionsAreNotEvaded(t *testing.T) {
	guard := chainNamed("guard", when(`request.path.startsWith("/admin") && request.host == "store.example.com"`))
	for kind, edit := range map[string]func(m *resources){
		"route":   func(m *resources) { m.route = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{guard}} },
		"traffic": func(m *resources) { m.traffic = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{guard}} },
	} {
		x := newSite(t, setup{
			backend: ran, callout: calloutserver.Handler(whichChain), plain: true,
			edit: func(m *resources) {
				m.rule.Match = &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/admin"}}
				m.rule.Host = "store.example.com"
				edit(m)
			},
		})
		for _, version := range []int{1, 2} {
			for _, target := range []string{
				"/admin", "/x/../admin", "/x/%2e%2e/admin", "//admin", "/%61dmin", "/x/..;a=b/admin", "/./admin?a", "/admin/%2e?a=b",
			} {
				for _, host := range []string{"store.example.com", "STORE.example.com", "store.example.com:1234"} {
					q, err := http.NewRequest(http.MethodGet, "http://"+x.addr, nil)
					if err != nil {
						t.Fatal(err)
					}
					aim(q, target)
					q.Host = host
					if got := x.chains(version, q); got != "guard" {
						t.Errorf("%s, HTTP/%d: %s of %s: %q ran", kind, version, target, host, got)
					}
				}
			}
		}
	}
}
