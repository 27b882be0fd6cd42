package requestpath

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestTheDefaultPolicy: rules see what the most liberal backend would read; backends get what the client wrote.
func TestTheDefaultPolicy(t *testing.T) {
	for written, matched := range map[string]string{
		"/admin": "/admin", "/": "/", "*": "*", "/a?x=//%61": "/a?x=//%61",
		"/%61dmin": "/admin", "/%41": "/A", "/a%2Db?q": "/a-b?q", "/%2561": "/%2561", "/%zz": "/%zz", "/a%2": "/a%2",
		"//admin": "/admin", "/a///b": "/a/b", "/a//?x": "/a/?x",
		`/x\..\admin`: "/admin", `\admin`: `\admin`, `/\admin`: "/admin",
		"/x/..;/admin": "/admin", "/x/..;a=b/admin": "/admin", "/x/.;/admin": "/x/admin", "/x;a=b/c": "/x;a=b/c", "/x/%2e%2e;/y": "/y",
		"/a%2Fb": "/a%2Fb", "/a%5cb": "/a%5Cb", "/a%20b": "/a%20b", "/%C3%BC": "/%C3%BC", "/%c3%Bc?%c3": "/%C3%BC?%c3", "/%zc": "/%zc", "/x//../y": "/x/../y",
	} {
		policy := Compile(nil)
		target := Normalize([]byte(written))
		got, err := policy.Read(target)
		if err != nil {
			t.Errorf("%q: %v", written, err)
		}
		if written == "/x//../y" {
			matched = "/x/y" // the empty segment goes with the dots, as RFC 3986 has it
		}
		if string(got.Matched) != matched || !bytes.Equal(got.Sent, target) {
			t.Errorf("%q is matched as %q, sent as %q; want %q", written, got.Matched, got.Sent, matched)
		}
	}
}

func TestEachTreatment(t *testing.T) {
	const (
		literal   = lbv1.RequestPolicy_LITERAL
		liberal   = lbv1.RequestPolicy_LIBERAL
		normalize = lbv1.RequestPolicy_NORMALIZE
		reject    = lbv1.RequestPolicy_REJECT
	)
	for _, c := range []struct {
		written string
		set     func(*lbv1.RequestPolicy, lbv1.RequestPolicy_Reading)
		reading string
	}{
		{"/a//b?q", func(p *lbv1.RequestPolicy, r lbv1.RequestPolicy_Reading) { p.RepeatedSlashes = r }, "/a/b?q"},
		{`/a\b`, func(p *lbv1.RequestPolicy, r lbv1.RequestPolicy_Reading) { p.Backslashes = r }, "/a/b"},
		{"/%61", func(p *lbv1.RequestPolicy, r lbv1.RequestPolicy_Reading) { p.EncodedUnreserved = r }, "/a"},
		{"/a%2fb%5Cc", func(p *lbv1.RequestPolicy, r lbv1.RequestPolicy_Reading) { p.EncodedSlashes = r }, "/a/b/c"},
		{"/a/..;x/b", func(p *lbv1.RequestPolicy, r lbv1.RequestPolicy_Reading) { p.DotSegmentParameters = r }, "/b"},
	} {
		for reading, want := range map[lbv1.RequestPolicy_Reading]Reading{
			literal: {[]byte(c.written), bytes.ReplaceAll([]byte(c.written), []byte("%2f"), []byte("%2F"))}, liberal: {[]byte(c.written), []byte(c.reading)},
			normalize: {[]byte(c.reading), []byte(c.reading)}, reject: {},
		} {
			p := &lbv1.RequestPolicy{}
			c.set(p, reading)
			policy := Compile(p)
			got, err := policy.Read([]byte(c.written))
			if (err != nil) != (reading == reject) || err == nil && (!bytes.Equal(got.Sent, want.Sent) || !bytes.Equal(got.Matched, want.Matched)) {
				t.Errorf("%q %v: sent %q, matched %q, error %v", c.written, reading, got.Sent, got.Matched, err)
			}
		}
	}
}

// FuzzRead: the liberal reading is stable, and a path that the standard library's decoder and cleaner make an admin's is matched as one.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"/%61dmin", "//admin", `/x\..\admin`, "/x/..;/admin", "/a%2Fb", "/%2e%2e/admin?x", "/x/%2e%2e;/admin", "/;/admin", "/%", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !strings.HasPrefix(s, "/") {
			return
		}
		policy := Compile(&lbv1.RequestPolicy{EncodedSlashes: lbv1.RequestPolicy_LIBERAL})
		target := Normalize([]byte(s))
		before := string(target)
		got, err := policy.Read(target)
		if err != nil || string(target) != before {
			t.Fatalf("%q: %v, the target became %q", s, err, target)
		}
		again, err := policy.Read(got.Matched)
		// "%2561" is read as "%61": decoding is done once, as backends do.
		if err != nil || !strings.Contains(s, "%25") && !bytes.Equal(again.Matched, got.Matched) {
			t.Fatalf("%q is read as %q, which is read as %q", s, got.Matched, again.Matched)
		}
		written, _, _ := strings.Cut(s, "?")
		decoded, err := url.PathUnescape(written)
		if err != nil || strings.ContainsAny(decoded, ";\\?%") {
			return
		}
		if strings.HasPrefix(path.Clean(decoded), "/admin") && !strings.HasPrefix(string(got.Matched), "/admin") {
			t.Errorf("%q is matched as %q", s, got.Matched)
		}
	})
}
