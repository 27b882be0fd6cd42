package proxy_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
)

// letters answers with 10 KB.
func letters(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10_000)) }

func TestH2load(t *testing.T) {
	r := behind(t, http.HandlerFunc(letters))
	for name, args := range map[string][]string{
		"h2":     {"-c", "4", "-m", "16", fmt.Sprintf("https://%s/", r.tls)},
		"h2c":    {"-c", "4", "-m", "16", fmt.Sprintf("http://%s/", r.plain)},
		"http/1": {"--h1", "-c", "8", fmt.Sprintf("http://%s/", r.plain)},
	} {
		t.Run(name, func(t *testing.T) {
			out := tool(t, "nghttp2-client", "h2load", append([]string{"-n", "2000"}, args...)...)
			if !regexp.MustCompile(`2000 succeeded, 0 failed, 0 errored`).MatchString(out) {
				t.Errorf("got %s", out)
			}
		})
	}
}

func TestNghttp(t *testing.T) {
	r := behind(t, http.HandlerFunc(letters))
	out := tool(t, "nghttp2-client", "nghttp", "--no-verify-peer", "-nv", fmt.Sprintf("https://%s/", r.tls))
	if !regexp.MustCompile(`:status: 200`).MatchString(out) || !regexp.MustCompile(`negotiated protocol: h2`).MatchString(out) {
		t.Errorf("got %s", out)
	}
}

func TestWrk(t *testing.T) {
	r := behind(t, http.HandlerFunc(letters))
	out := tool(t, "wrk", "wrk", "-t1", "-c16", "-d1s", fmt.Sprintf("http://%s/", r.plain))
	if regexp.MustCompile(`Non-2xx|Socket errors`).MatchString(out) || !regexp.MustCompile(`[1-9]\d* requests in`).MatchString(out) {
		t.Errorf("got %s", out)
	}
}
