package proxy_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/test/site"
)

// echo answers with what it got: the method, the digest of the body, and a header.
func echo(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s %d %x %s\n", r.Method, r.URL, n, sum.Sum(nil), r.Header.Get("X-Test"))
}

func TestCurl(t *testing.T) {
	r := behind(t, http.HandlerFunc(echo))
	body := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	secure := []string{"--cacert", r.ca, "--resolve", fmt.Sprintf("%s:%d:127.0.0.1", site.Host, r.tls.Port())}
	tlsURL := fmt.Sprintf("https://%s:%d", site.Host, r.tls.Port())
	plainURL := "http://" + r.plain.String()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"get":                 {[]string{plainURL + "/a?b=c"}, "GET /a?b=c 0 "},
		"http/1.0":            {[]string{"--http1.0", plainURL + "/"}, "GET / 0 "},
		"head":                {[]string{"--head", plainURL + "/"}, "HTTP/1.1 200 OK"},
		"post":                {[]string{"--data-binary", "@" + file, plainURL + "/"}, digest},
		"chunked":             {[]string{"-H", "Transfer-Encoding: chunked", "--data-binary", "@" + file, plainURL + "/"}, digest},
		"expect":              {[]string{"-H", "Expect: 100-continue", "--data-binary", "@" + file, plainURL + "/"}, digest},
		"upload":              {[]string{"--upload-file", file, plainURL + "/up"}, "PUT /up 1600000 " + digest},
		"header":              {[]string{"-H", "X-Test: seen", plainURL + "/"}, "seen"},
		"tls":                 {append([]string{"--http1.1", tlsURL + "/t"}, secure...), "GET /t 0 "},
		"h2":                  {append([]string{"--http2", "-w", "%{http_version}", tlsURL + "/t"}, secure...), "\n2"},
		"h2 post":             {append([]string{"--http2", "--data-binary", "@" + file, tlsURL + "/"}, secure...), digest},
		"h2 prior knowledge":  {[]string{"--http2-prior-knowledge", plainURL + "/p"}, "GET /p 0 "},
		"upgrade to h2c":      {[]string{"--http2", plainURL + "/u"}, "GET /u 0 "},
		"tls 1.2":             {append([]string{"--tls-max", "1.2", tlsURL + "/"}, secure...), "GET / 0 "},
		"several on one conn": {[]string{plainURL + "/[1-20]"}, "GET /20 0 "},
	} {
		t.Run(name, func(t *testing.T) {
			out := tool(t, "curl", "curl", append([]string{"--silent", "--show-error", "--max-time", "20"}, c.args...)...)
			if !strings.Contains(out, c.want) {
				t.Errorf("got %q, want %q in it", out, c.want)
			}
		})
	}
}
