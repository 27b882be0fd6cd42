package proxy_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// oddRig has a rule for /admin, whose backend says so with the path that it got, and a wider one.
func oddRig(t *testing.T, policy *lbv1.RequestPolicy, edit func(*lbv1.RouteRule)) *rig {
	tell := func(who string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			names := ""
			for _, name := range slices.Sorted(maps.Keys(r.Header)) {
				if strings.Contains(name, "_") {
					names += " " + name
				}
			}
			_, _ = io.WriteString(w, who+" "+r.RequestURI+names)
		}
	}
	return newRig(t, []string{httpBackend(t, tell("wide"))}, func(m *model) {
		m.target.RequestPolicy = policy
		m.addService("admin", []string{httpBackend(t, tell("admin"))})
		rule := &lbv1.RouteRule{
			UrlMap: "map", ListenerHost: "*", Host: "*", Precedence: "0", Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/admin"}},
			Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: "admin", Weight: 1}}}},
		}
		if edit != nil {
			edit(rule)
		}
		m.more = append(m.more, &lbv1.Resource{Name: "map/*/*/0", Body: &lbv1.Resource_RouteRule{RouteRule: rule}})
	})
}

// ask sends a request whose path is not touched on its way, and header fields as NAME: VALUE.
func (r *rig) ask(version int, path string, fields ...string) (int, string) {
	r.t.Helper()
	q := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: r.addr, Opaque: path}, Host: "a", Header: http.Header{}}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		q.Header[name] = []string{value}
	}
	c := client(r.t, version)
	defer c.CloseIdleConnections()
	res, err := c.Transport.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return res.StatusCode, string(body)
}

// TestOddPathsMeetTheRuleThatABackendWouldReadThemFor: whatever the codec.
func TestOddPathsMeetTheRuleThatABackendWouldReadThemFor(t *testing.T) {
	r := oddRig(t, nil, nil)
	for _, version := range []int{1, 2} {
		for path, want := range map[string]string{
			"/%61dmin": "admin /%61dmin", "/x/..;/admin": "admin /x/..;/admin", `/x\..\admin?q`: `admin /x\..\admin?q`,
			"/a//admin": "wide /a//admin", "/admin%2Fx": "wide /admin%2Fx", "/admin//x": "admin /admin//x",
		} {
			if status, got := r.ask(version, path); status != 200 || got != want {
				t.Errorf("HTTP/%d %s: %d %q, want %q", version, path, status, got, want)
			}
		}
	}
	// Two slashes in front cannot be asked for with net/http.
	c := r.dial()
	c.say("GET //admin HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, got := c.answer(t, "GET"); got != "admin //admin" {
		t.Errorf("//admin: %q", got)
	}
}

func TestAPrefixIsReplacedInWhatWasMatched(t *testing.T) {
	r := oddRig(t, nil, func(rule *lbv1.RouteRule) {
		rule.UrlRewrite = &lbv1.UrlRewrite{Path: &lbv1.UrlRewrite_ReplacePrefix{ReplacePrefix: "/new"}}
	})
	if _, got := r.ask(1, "/%61dmin/x%61?q=%61"); got != "admin /new/xa?q=%61" {
		t.Errorf("%q", got)
	}
}

func TestOddPathsCanBeRejected(t *testing.T) {
	r := oddRig(t, &lbv1.RequestPolicy{Backslashes: lbv1.RequestPolicy_REJECT, RepeatedSlashes: lbv1.RequestPolicy_NORMALIZE}, nil)
	for _, version := range []int{1, 2} {
		if status, _ := r.ask(version, `/a\b`); status != 400 {
			t.Errorf("HTTP/%d: %d", version, status)
		}
		if _, got := r.ask(version, "/a//b"); got != "wide /a/b" {
			t.Errorf("HTTP/%d: %q", version, got)
		}
	}
}

func TestUnderscores(t *testing.T) {
	for policy, want := range map[lbv1.RequestPolicy_Underscores]string{
		lbv1.RequestPolicy_UNDERSCORES_UNSPECIFIED: "wide /x X_own", lbv1.RequestPolicy_KEEP_ALL: "wide /x X_forwarded_for X_own",
		lbv1.RequestPolicy_DROP_ALL: "wide /x", lbv1.RequestPolicy_REJECT_ALL: "",
	} {
		r := oddRig(t, &lbv1.RequestPolicy{Underscores: policy}, nil)
		for _, version := range []int{1, 2} {
			_, got := r.ask(version, "/x", "X_Own: 1", "X_Forwarded_For: 6.6.6.6")
			if got != want && got != "wide /x X_own X_forwarded_for" {
				t.Errorf("%v, HTTP/%d: %q, want %q", policy, version, got, want)
			}
		}
	}
}
