package cel

import (
	"fmt"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for expr, want := range map[string]string{
		``: "true = true\n",
		`(request.path.startsWith("/v1") && request.headers["X-Env"].lower() == "canary" && !(source.port > 5)) || request.headers["no"] == "x"`: `
request.path.startsWith("/v1") && request.headers["X-Env"].lower() == "canary" && !(source.port > 5) || request.headers["no"] == "x" = no value
  request.path.startsWith("/v1") && request.headers["X-Env"].lower() == "canary" && !(source.port > 5) = false
    request.path.startsWith("/v1") = false
      request.path = "/serviceextensions/Caf\xe9"
    request.headers["X-Env"].lower() == "canary" = true
      request.headers["X-Env"] = "Canary"
    !(source.port > 5) = false
      source.port > 5 = true
        source.port = 40001
  request.headers["no"] == "x" = no value
    request.headers["no"] = no value
`,
		`request.host + request.headers[request.query] == "a" && response.code == 1 && true`: `
request.host + request.headers[request.query] == "a" && response.code == 1 && true = no value
  request.host + request.headers[request.query] == "a" = no value
    request.host = "store.example.com"
    request.headers[request.query] = no value
    request.query = "a=1&b=%20"
  response.code == 1 = no value
    response.code = no value
  true = true
`,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, s := range p.Explain(usual()) {
			fmt.Fprintf(&b, "%s%s = %s\n", strings.Repeat("  ", s.Depth), s.Text, s.Value)
		}
		if got := b.String(); got != strings.TrimPrefix(want, "\n") {
			t.Errorf("got\n%s\nwant%s", got, want)
		}
	}
}
