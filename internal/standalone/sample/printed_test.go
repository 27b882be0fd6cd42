package sample

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"
)

// TestWhatIsPrinted: the lines that `logs` shows of the images that print any.
func TestWhatIsPrinted(t *testing.T) {
	const moment = `\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `
	for image, want := range map[string]string{
		"google-samples/hello-app:1.0": moment + "Server listening on port 8080\n" + moment + "Serving request: /a b\n",
		"nginx":                        `192\.0\.2\.1 - - \[01/Jun/2021:17:32:51 \+0000\] "GET /a%20b\?c=d HTTP/1\.1" 404 \d\d+ "-" "curl\\x22\\x0A" "-"` + "\n",
	} {
		program, _ := Find(image)
		var out bytes.Buffer
		b, err := program(pod, Container{Image: image, Output: &out, Now: func() time.Time { return time.Date(2021, 6, 1, 17, 32, 51, 0, time.UTC) }})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/a%20b?c=d", http.NoBody)
		r.Header.Set("User-Agent", "curl\"\n")
		b.Handler.ServeHTTP(httptest.NewRecorder(), r)
		if got := out.String(); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("%s prints %q", image, got)
		}
	}
}
