package requestpath

import "testing"

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "/a": "/a", "/a/": "/a/", "/.": "/", "/..": "/", "/../..": "/", "/a/.": "/a/", "/a/..": "/",
		"/a/../b": "/b", "/a/./b": "/a/b", "/a/b/..": "/a/", "/a/b/../": "/a/", "/../a": "/a", "/a/../../b": "/b",
		"/a//../b": "/a/b", "//": "//", "/a//b": "/a//b", "/%2e": "/", "/%2E%2e/x": "/x", "/.%2e/x": "/x", "/a/%2e%2e/b": "/b",
		"/...": "/...", "/.a": "/.a", "/a.": "/a.", "/a/..b/c": "/a/..b/c", "/a%2f..%2fb": "/a%2f..%2fb", "/%2ea": "/%2ea",
		"/a/..?q=/../x": "/?q=/../x", "/x?a/../b": "/x?a/../b", "/a/../?": "/?",
	} {
		if got := string(Normalize([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
