package filter

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// The table of HTTPPathModifier.replacePrefixMatch in the Gateway API, and what it leaves open.
func TestReplacePrefix(t *testing.T) {
	for _, c := range []struct{ path, prefix, replacement, want string }{
		{"/foo/bar", "/foo", "/xyz", "/xyz/bar"},
		{"/foo/bar", "/foo", "/xyz/", "/xyz/bar"},
		{"/foo/bar", "/foo/", "/xyz", "/xyz/bar"},
		{"/foo/bar", "/foo/", "/xyz/", "/xyz/bar"},
		{"/foo", "/foo", "/xyz", "/xyz"},
		{"/foo/", "/foo", "/xyz", "/xyz/"},
		{"/foo/bar", "/foo", "", "/bar"},
		{"/foo/", "/foo", "", "/"},
		{"/foo", "/foo", "", "/"},
		{"/foo/", "/foo", "/", "/"},
		{"/foo", "/foo", "/", "/"},
		{"/foo", "/foo", "/xyz/", "/xyz/"},
		{"/foo", "/foo/", "/xyz", "/xyz"},
		{"/foo/bar", "/", "/xyz", "/xyz/foo/bar"},
		{"/", "/", "/xyz", "/xyz/"},
		{"/foo?a=/foo", "/foo", "/xyz", "/xyz?a=/foo"},
		{"/foo/bar?q", "/foo", "", "/bar?q"},
		{"/foobar", "/foo", "/xyz", "/foobar"},
	} {
		rw, err := CompileRewrite(&lbv1.UrlRewrite{Path: &lbv1.UrlRewrite_ReplacePrefix{ReplacePrefix: c.replacement}}, c.prefix)
		if err != nil {
			t.Fatal(err)
		}
		req := &message.Request{Path: []byte(c.path)}
		rw.Apply(req, nil)
		if string(req.Path) != c.want {
			t.Errorf("%s with prefix %s replaced by %q: %s, want %s", c.path, c.prefix, c.replacement, req.Path, c.want)
		}
	}
}

func TestRewriteHostAndFullPath(t *testing.T) {
	rw, err := CompileRewrite(&lbv1.UrlRewrite{
		Host: "Internal.example", Path: &lbv1.UrlRewrite_ReplaceFull{ReplaceFull: "/all"},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	req := &message.Request{Authority: []byte("foo.example:8080"), Path: []byte("/a/b?c=d")}
	buf := make([]byte, 3, 64)
	buf = rw.Apply(req, buf)
	if string(req.Authority) != "Internal.example" || string(req.Path) != "/all?c=d" || len(buf) != 3+len("/all?c=d") {
		t.Errorf("%s %s, buffer of %d", req.Authority, req.Path, len(buf))
	}
	star := &message.Request{Path: []byte("*")}
	if rw.Apply(star, nil); string(star.Path) != "*" {
		t.Errorf("asterisk form became %q", star.Path)
	}
	path := []byte("/a")
	if n := testing.AllocsPerRun(100, func() {
		req.Path = path
		rw.Apply(req, buf[:0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRewriteRefuses(t *testing.T) {
	for name, rw := range map[string]*lbv1.UrlRewrite{
		"prefix without a match by prefix": {Path: &lbv1.UrlRewrite_ReplacePrefix{ReplacePrefix: "/a"}},
		"query":                            {Path: &lbv1.UrlRewrite_ReplaceFull{ReplaceFull: "/a?b"}},
		"fragment":                         {Path: &lbv1.UrlRewrite_ReplaceFull{ReplaceFull: "/a#b"}},
		"control byte":                     {Path: &lbv1.UrlRewrite_ReplaceFull{ReplaceFull: "/a\x01b"}},
		"line break in the host":           {Host: "a\r\nb"},
	} {
		if _, err := CompileRewrite(rw, ""); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPathsAreEncoded(t *testing.T) {
	for in, want := range map[string]string{
		"/a b": "/a%20b", "/ü": "/%C3%BC", "/%c3%bc": "/%c3%bc", "/100%": "/100%25", "/a\\b": "/a%5Cb", "/{x}": "/%7Bx%7D", "a": "/a", "": "/",
		"/a;b=c,d:e@f!$&'()*+": "/a;b=c,d:e@f!$&'()*+",
	} {
		rw, err := CompileRewrite(&lbv1.UrlRewrite{Path: &lbv1.UrlRewrite_ReplaceFull{ReplaceFull: in}}, "")
		if err != nil {
			t.Fatal(err)
		}
		req := &message.Request{Path: []byte("/")}
		if rw.Apply(req, nil); string(req.Path) != want {
			t.Errorf("%q became %q, want %q", in, req.Path, want)
		}
	}
}
