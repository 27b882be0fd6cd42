package ingress

import (
	"regexp"
	"slices"
	"testing"

	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/proxy/urlmap"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestPathsAreReadAsGKEDoes(t *testing.T) {
	exact, prefix, specific := ingressv1.PathTypeExact, ingressv1.PathTypePrefix, ingressv1.PathTypeImplementationSpecific
	for _, c := range []struct {
		text string
		kind *ingressv1.PathType
		want path
		err  string
	}{
		{"/foo", &exact, path{exactPath, "/foo"}, ""},
		{"/foo/", &exact, path{exactPath, "/foo/"}, ""},
		{"/", &exact, path{exactPath, "/"}, ""},
		{"", &exact, path{}, "failed to validate exact path  due to empty path"},
		{"/a*", &exact, path{}, "failed to validate exact path /a* due to invalid wildcard"},
		{"/", &prefix, path{prefixPath, ""}, ""},
		{"/foo", &prefix, path{prefixPath, "/foo"}, ""},
		{"/foo/", &prefix, path{prefixPath, "/foo"}, ""},
		{"", &prefix, path{}, "failed to validate prefix path  due to empty path"},
		{"/foo/*", &prefix, path{}, "failed to validate prefix path /foo/* due to invalid wildcard"},
		{"foo", &prefix, path{}, `invalid path "foo": it must begin with a /`},
		{"", nil, path{prefixPath, ""}, ""},
		{"/*", nil, path{prefixPath, ""}, ""},
		{"/", &specific, path{exactPath, "/"}, ""},
		{"/foo/*", &specific, path{underPath, "/foo/"}, ""},
		{"/%66oo//*", &specific, path{underPath, "/foo/"}, ""},
		{"/foo*", &specific, path{}, `invalid path "/foo*": a * is allowed only at the end, behind a /`},
		{"/*/foo", &specific, path{}, `invalid path "/*/foo": a * is allowed only at the end, behind a /`},
		{"foo", &specific, path{}, `invalid path "foo": it must begin with a /`},
		{"/a?b", &specific, path{}, `invalid path "/a?b": a path has neither ? nor #`},
		{"/a b", &exact, path{}, `invalid path "/a b": no request's path has the byte 0x20`},
		{"/a/../b/*", &specific, path{}, `invalid path "/a/../b/*": it has dot segments, which are resolved before a request is routed`},
	} {
		got, err := readPath(c.text, c.kind)
		if err != nil && err.Error() != c.err || err == nil && (c.err != "" || got != c.want) {
			t.Errorf("%q: %+v, %v; want %+v, %s", c.text, got, err, c.want, c.err)
		}
	}
	other := ingressv1.PathType("Regex")
	if _, err := readPath("/", &other); err == nil || err.Error() != "unsupported path type: Regex" {
		t.Error(err)
	}
}

// TestPathsBeyondASCII match what clients send: encoded, in either case of letters, or raw.
func TestPathsBeyondASCII(t *testing.T) {
	for _, c := range []struct {
		of           path
		match, wrong []string
	}{
		{path{exactPath, "/é.x"}, []string{"/é.x", "/%C3%A9.x", "/%c3%a9.x"}, []string{"/é.x/", "/éax", "/%C3%A8.x", "/e.x"}},
		{path{prefixPath, "/é"}, []string{"/é", "/%C3%A9", "/%c3%A9/b"}, []string{"/éb", "/%C3%A9b", "/b/é"}},
		{path{underPath, "/é/"}, []string{"/é/", "/%C3%A9/b"}, []string{"/é", "/%C3%A9"}},
	} {
		expr := regexp.MustCompile("^(?:" + c.of.match().GetRegex() + ")$")
		for _, text := range c.match {
			if !expr.MatchString(text) {
				t.Errorf("%+v does not match %s", c.of, text)
			}
		}
		for _, text := range c.wrong {
			if expr.MatchString(text) {
				t.Errorf("%+v matches %s", c.of, text)
			}
		}
	}
}

func TestRanksOrderPaths(t *testing.T) {
	paths := []path{{exactPath, "/foo"}, {prefixPath, "/foo/bar"}, {underPath, "/foo/"}, {prefixPath, "/foo"}, {prefixPath, ""}}
	// Of two that are equally long the later one goes first.
	ranks := []string{paths[0].rank(0), paths[1].rank(1), paths[2].rank(3), paths[3].rank(2), paths[4].rank(9)}
	if !slices.IsSorted(ranks) {
		t.Error(ranks)
	}
}

// FuzzReadPath wants whatever is accepted to be what a proxy compiles.
func FuzzReadPath(f *testing.F) {
	for _, text := range []string{"/", "/foo", "/foo/*", "/%2e%2e/x", "/a%2Fb/*", "/a;b/..;/", "/é", "/[x]+/*", "/a%", "*", ""} {
		for kind := range uint8(3) {
			f.Add(text, kind)
		}
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		types := []ingressv1.PathType{ingressv1.PathTypeExact, ingressv1.PathTypePrefix, ingressv1.PathTypeImplementationSpecific}
		p, err := readPath(text, &types[kind%3])
		if err != nil {
			return
		}
		rule := &lbv1.RouteRule{
			UrlMap: "um", ListenerHost: anyHost, Host: anyHost, Precedence: "0" + p.rank(0), Match: p.match(),
			Action: &lbv1.RouteRule_Redirect{Redirect: &lbv1.Redirect{Scheme: "https", Status: 301}},
		}
		if _, err := urlmap.Compile(urlmap.RuleName(rule), rule, nil); err != nil {
			t.Errorf("%q, %s: %v", text, types[kind%3], err)
		}
	})
}
