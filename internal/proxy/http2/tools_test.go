package http2

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tool finds a program or skips the test.
func tool(t *testing.T, name, debian string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is missing; on Debian: apt-get install %s", name, debian)
	}
	return path
}

func printed(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(path), err, out)
	}
	return string(out)
}

func TestCurl(t *testing.T) {
	curl := tool(t, "curl", "curl")
	addr := listen(t, &ServerConfig{}, echo)
	file := filepath.Join(t.TempDir(), "body")
	want := strings.Repeat("0123456789", 100000)
	if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	out := printed(t, curl, "-sS", "--http2-prior-knowledge", "--data-binary", "@"+file, "-w", "\n%{http_version} %{http_code}",
		"http://"+addr+"/a?b")
	if out != want+"\n2 200" {
		t.Errorf("%d bytes ending in %q", len(out), out[max(0, len(out)-20):])
	}
}

func TestNghttp(t *testing.T) {
	nghttp := tool(t, "nghttp", "nghttp2-client")
	addr := listen(t, &ServerConfig{}, echo)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out := printed(t, nghttp, "-v", "-H", "cookie: a=1", "--trailer", "x-sum: 9", "-d", file, "http://"+addr+"/nghttp")
	if !strings.Contains(out, "x-path: /nghttp") || !strings.Contains(out, "x-sum: 9") || strings.Contains(out, "RST_STREAM") {
		t.Errorf("%.2000s", regexp.MustCompile(`[^ -~\n]`).ReplaceAllString(out, "?"))
	}
}

func TestH2load(t *testing.T) {
	h2load := tool(t, "h2load", "nghttp2-client")
	for _, streams := range []int{1, 100} {
		addr := listen(t, &ServerConfig{}, hello())
		out := printed(t, h2load, "-n", "20000", "-c", "4", "-m", fmt.Sprint(streams), "http://"+addr+"/")
		if !strings.Contains(out, "20000 succeeded, 0 failed, 0 errored, 0 timeout") {
			t.Errorf("%s", out)
		}
	}
}
