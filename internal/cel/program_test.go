package cel

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestConditions(t *testing.T) {
	tests := []struct {
		expr string
		want bool
	}{
		{``, true},
		{`true`, true},
		{`1 == 1`, true},
		{`false`, false},
		{`request.path.startsWith("/")`, true},
		{`request.path.contains("serviceextensions")`, true},
		{`request.path == "/serviceextensions"`, false},
		{`request.path.endsWith("fé")`, false}, // UTF-8 has two bytes for it
		{`request.method == 'GET' && request.scheme == "https"`, true},
		{`request.host == request.headers['host']`, true},
		{`request.host == request.headers['Host']`, true},
		{`request.query == R"a=1&b=%20"`, true},
		{`request.query == r'a=1&b=%20'`, true},
		// Names of headers are in lower case, and so are literals on their way here; values are as they came.
		{`request.headers["X-Env"] == "Canary"`, true},
		{`request.headers["x-env"] == "canary"`, false},
		{`request.headers["x-env"].lower() == "canary"`, true},
		{`request.headers["x-env"].lowerAscii() == "canary"`, true},
		{`request.headers["x-env"].upper() == "CANARY"`, true},
		{`request.headers["x-env"].upperAscii().lower().startsWith("can")`, true},
		{`request.headers["x-many"] == "a,b"`, true},
		{`request.headers["x-empty"] == ""`, true},
		{`request.headers["x-empty"].startsWith("")`, true},
		// Numbers.
		{`int(request.headers["x-count"]) >= 5`, true},
		{`int(request.headers["x-count"]) > 5`, false},
		{`int(request.headers["x-count"]) < 6 && int(request.headers["x-count"]) <= 5 && int("-7") == -7`, true},
		{`int(request.headers["x-env"]) == 0`, false},
		{`int(request.headers["x-env"]) != 0`, false},
		{`int(request.headers["x-big"]) > 0`, false},
		{`int("9223372036854775807") > 0 && int("-9223372036854775808") < 0 && int("+1") == 1`, true},
		{`int("") == 0 || int("-") == 0 || int(" 1") == 1 || int("1_0") == 10`, false},
		{`int(source.port) == 40001`, true},
		// An absent header is an error: it never matches, and errors are absorbed as CEL says.
		{`request.headers["no"] == ""`, false},
		{`request.headers["no"] != "x"`, false},
		{`!(request.headers["no"] == "x")`, false},
		{`request.headers["no"] == "x" || request.method == "GET"`, true},
		{`request.method == "GET" || request.headers["no"] == "x"`, true},
		{`request.headers["no"] == "x" && request.method == "GET"`, false},
		{`!(request.headers["no"] == "x" && request.method == "POST")`, true},
		{`!(request.method == "POST" && request.headers["no"] == "x")`, true},
		{`request.headers["no"] == "x" || request.method == "POST"`, false},
		{`request.headers["no"].lower() == "x" || int(request.headers["no"]) == 1`, false},
		// Both spellings.
		{`source.ip == "10.1.2.3" && source.address == "10.1.2.3"`, true},
		{`source.ip.startsWith("10.1.")`, true},
		{`source.port == 40001 && source.port < 50000`, true},
		{`connection.sni == "store.example.com" && connection.requested_server_name == "store.example.com"`, true},
		{`connection.tls_version == "TLSv1.3"`, true},
		{`connection.sha256_peer_certificate_digest.startsWith("abab")`, true},
		{`request.backend_service_name == "store-v1"`, true},
		{`request.backend_service_project_number == 42 && request.backend_service_num_endpoints > 2`, true},
		// There is no response when a chain is chosen.
		{`response.code == 200`, false},
		{`response.code != 200`, false},
		{`response.headers["a"] == "b" || response.grpc_status == 0`, false},
		{`response.code == 200 || request.method == "GET"`, true},
		// RE2: not anchored; a byte is a character.
		{`request.host.matches('.example.com')`, true},
		{`request.host.matches('^example')`, false},
		{`request.path.matches("^/serviceextensions/....$")`, true},
		{`request.path.matches("\\xe9$")`, true},
		{`request.headers["x-utf8"].matches("^é$")`, true},
		{`request.headers["x-utf8"].matches("^..$")`, true},
		{`request.headers["x-latin1"].matches("^.$")`, true},
		{`request.headers["x-latin1"].matches("é")`, false},
		{`request.headers["x-latin1"].matches(r"(?i)^\xc9$")`, true},
		// What is left to cel-go.
		{`request.host + request.path == "store.example.com/serviceextensions/Caf\xe9"`, false}, // \xe9 is two bytes in a text
		{`(request.host + request.headers["x-empty"]) == "store.example.com"`, true},
		{`source.port / 2 + 1 == 20001`, true},
		{`source.port / 0 == 1 || request.method == "GET"`, true},
		{`source.port / 0 == 1`, false},
		{`request.headers[request.headers["x-empty"] + "X-Env"] == "Canary"`, true},
		{`request.headers["no" + ""] == "x"`, false},
		{`(request.method == "GET") == (request.scheme == "https")`, true},
		{`(request.headers["x-latin1"] + "").matches("^.$")`, true},
		{`(request.headers["x-env"] + "!").lower() == "canary!" && ("a" + "b").upper() == "AB"`, true},
		{`"a" + request.headers["no"] == "a" || response.code + 1 == 1`, false},
		{"request.method == 'GET' &&\n  request.scheme == 'https' // a comment", true},
	}
	for _, tt := range tests {
		p, err := Compile(tt.expr)
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		if got := p.Match(usual()); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.expr, got, tt.want)
		}
	}
}

func TestPlainRequestBeforeTheURLMap(t *testing.T) {
	r := &request{method: "GET", host: "h", path: "/", scheme: "http", ip: netip.MustParseAddr("::ffff:192.0.2.1")}
	for expr, want := range map[string]bool{
		`connection.sni == ""`:                                        true,
		`connection.tls_version != "TLSv1.3"`:                         false,
		`connection.sha256_peer_certificate_digest.startsWith('')`:    false,
		`request.backend_service_name != "x"`:                         false,
		`request.backend_service_num_endpoints < 1`:                   false,
		`request.backend_service_project_number + 1 < 5`:              false,
		`request.query == ""`:                                         true,
		`source.ip == "192.0.2.1"`:                                    true,
		`connection.tls_version == "" || request.scheme == "http"`:    true,
		`request.backend_service_name + "" != "x" || source.port > 9`: false,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
		} else if got := p.Match(r); got != want {
			t.Errorf("%s: %v, want %v", expr, got, want)
		}
	}
	r.ip, r.tls = netip.Addr{}, "TLS 1.0"
	for expr, want := range map[string]bool{
		`source.ip == ""`:                     false,
		`connection.tls_version == "TLSv1"`:   true,
		`connection.tls_version == "TLSv1.0"`: false,
	} {
		if p, _ := Compile(expr); p.Match(r) != want {
			t.Errorf("%s: %v, want %v", expr, !want, want)
		}
	}
}

// TestHostIsReadAsRulesReadIt: neither a port nor capital letters evade a condition.
func TestHostIsReadAsRulesReadIt(t *testing.T) {
	for _, host := range []string{"store.example.com", "Store.EXAMPLE.com", "store.example.com:80", "STORE.example.com:8080"} {
		r := &request{host: host}
		for expr, want := range map[string]bool{
			`request.host == "store.example.com"`:                           true,
			`request.host == "Store.Example.Com"`:                           true,
			`"Store.Example.Com" == request.host`:                           true,
			`request.headers["Host"] == "store.example.com"`:                true,
			`request.host != "store.example.com"`:                           false,
			`request.host.endsWith(".example.com")`:                         true,
			`request.host.endsWith(".EXAMPLE.com")`:                         true,
			`request.host.contains("example")`:                              true,
			`request.host.matches("\\.example\\.com$")`:                     true,
			`request.host + "" == "store.example.com"`:                      true,
			`request.host.lower() == "store.example.com"`:                   true,
			`request.host == "store.example.com:8080"`:                      strings.HasSuffix(host, ":8080"),
			`"Store.example.com:8080" == request.headers["host"]`:           strings.HasSuffix(host, ":8080"),
			`request.host.endsWith(":8080") || request.host == ":8080"`:     strings.HasSuffix(host, ":8080"),
			`request.host.startsWith("store.example.com:80")`:               strings.Contains(host, ":80"),
			`request.host.contains(":")`:                                    false,
			`request.host == request.headers["host"] && request.path == ""`: true,
		} {
			p, err := Compile(expr)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(r); got != want {
				t.Errorf("%s: %s: %v, want %v", host, expr, got, want)
			}
		}
	}
	for host, want := range map[string]string{"[::1]": "[::1]", "[::1]:80": "[::1]", "a:": "a", "": ""} {
		p, err := Compile(`request.host == "` + want + `"`)
		if err != nil || !p.Match(&request{host: host}) {
			t.Errorf("%q is not %q: %v", host, want, err)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`request.host == "A.example" && request.path.startsWith("/a" + "b")`, `a condition with + or / cannot compare the host with "A.example": write it in lower case and without a port`},
		{`"a.example:80" == request.headers["host"] && int(request.query) / 2 == 1`, `a condition with + or / cannot compare the host with "a.example:80": write it in lower case and without a port`},
		{`a = b`, `1:3: one = compares nothing: write ==`},
		{`request.path == "a" & true`, `1:21: write &&`},
		{`request.path == "a" | true`, `1:21: write ||`},
		{`request.path == "a`, `1:17: the quote is not closed`},
		{`request.path == 'a`, `1:17: the quote is not closed`},
		{`(request.path == "a"`, `1:21: the condition ends too early: an operand or a closing parenthesis is missing`},
		{` `, `1:2: the condition ends too early: an operand or a closing parenthesis is missing`},
		{`request.path == "a" and true`, `1:21: an operator such as && or == is missing before this, or a parenthesis before it is not closed`},
		{`request.path == “a”`, `1:17: typographic quotes cannot be read: write " or '`},
		{"true &&\n request.url_path == 'a'", `2:2: there is no request.url_path: write request.path, which has no query`},
		{`request.path == 'ä' || source.foo == 1`, `1:24: there is no source.foo: there are source.address, source.client_region, source.ip, source.port`},
		{`request.Path == ""`, `1:1: there is no request.Path: write request.path`},
		{`request.time < 1`, `1:1: there is no request.time: the time cannot be asked for`},
		{`foo == ""`, `1:1: there is no foo: texts are written in quotes, and attributes begin with request, source or connection`},
		{`a.b == ""`, `1:1: there is no a.b: attributes begin with request, source or connection`},
		{`request.headers.foo == "a"`, `1:1: headers are asked for by index: write request.headers['foo']`},
		{`request.headers == "a"`, `1:1: request.headers is used with the name of a header: write request.headers['name']`},
		{`request.headers["x y"] == "a"`, `1:17: "x y" is no name of a header`},
		{`request.headers[""] == "a"`, `1:17: "" is no name of a header`},
		{`request.headers[1] == ""`, `1:17: the name of a header is a text: write request.headers['name']`},
		{`request.path[0] == "a"`, `1:1: request.path is one value, not several by name`},
		{`"a"["b"] == "c"`, `1:1: only request.headers has values by name`},
		{`"a".b == "c"`, `1:1: a field can only be taken of request, source and connection; for a header write request.headers['name']`},
		{`source.port == "80"`, `1:13: these do not go together: '==' applied to '(int, string)': texts are compared with texts in quotes; write int(request.headers['name']) for the number in a text`},
		{`!request.path`, `1:1: these do not go together: '!' applied to '(string)'`},
		{`request.path`, `the condition is a text, neither true nor false: compare it, as with == 'text'`},
		{`request.path.startswith("a")`, `1:14: there is no function startswith: write startsWith`},
		{`request.path.contains("a", "b")`, `1:14: contains takes one argument, and 2 are given`},
		{`request.path.lower("a") == "b"`, `1:14: lower takes no argument, and 1 are given`},
		{`request.path.lower == "b"`, `1:1: lower is a function: write request.path.lower(...)`},
		{`lower(request.path) == "a"`, `1:1: lower is written behind a text: write request.path.lower(...)`},
		{`int(1, 2) == 1`, `1:1: int takes one argument: write int(request.headers['name'])`},
		{`has(request.headers.x)`, `1:1: there is no function has: an absent header never matches by itself; to ask for its presence write request.headers['name'].startsWith('')`},
		{`"x" in request.headers`, `1:5: there is no in operator: to ask for a header's presence write request.headers['name'].startsWith('')`},
		{`size(request.path) > 3`, `1:1: there is no function size: write matches, as in request.path.matches('^.{10,}$')`},
		{`request.headers.all(k, true)`, `1:17: there is no function all: there are no macros: write the conditions out, with && between them`},
		{`inIpRange(source.ip, '10.0.0.0/8')`, `1:1: there is no function inIpRange: write source.ip.startsWith('10.0.') or matches`},
		{`foo(1)`, `1:1: there is no function foo: there are contains, endsWith, lower, lowerAscii, matches, startsWith, upper, upperAscii, int`},
		{`true ? true : false`, `1:1: there is no ?: operator: write (a && b) || (!a && c)`},
		{`source.port - 1 == 1`, `1:1: there is no - operator`},
		{`1.5 < 2.0`, `1:1: only whole numbers can be used in a match condition, written like 8080`},
		{`b'a' == b'b'`, `1:1: byte strings cannot be used in a match condition: write the text without the b before it`},
		{`request.path == null`, `1:17: null cannot be used in a match condition: an absent header never matches, so there is nothing to ask`},
		{`request.path == [1]`, `1:17: lists cannot be used in a match condition: write a == 'x' || a == 'y'`},
		{`{} == {}`, `1:1: maps and messages cannot be used in a match condition`},
		{`request.path.matches("(")`, `1:22: the regular expression is not valid RE2: missing closing ): (`},
		{`request.path.matches(request.host)`, `1:22: the regular expression of matches must be written out in quotes`},
		{`request.path.matches("` + strings.Repeat("a", 101) + `")`, `1:22: the regular expression has 101 characters, at most 100 are allowed`},
		{`request.path.matches("a{999}")`, `the regular expressions cost 1001 steps for each character, at most 1000 are allowed: make repetitions shorter`},
		{`request.path == "` + strings.Repeat("ä", 512) + `"`, `the condition has 530 characters, at most 512 are allowed`},
		{strings.Repeat("(", 300), `the condition is nested too deeply`},
	}
	for _, tt := range tests {
		_, err := Compile(tt.expr)
		var e *Error
		if !errors.As(err, &e) || e.Error() != tt.want {
			t.Errorf("%.60s:\n got %v\nwant %s", tt.expr, err, tt.want)
		}
	}
}

func TestLongestConditionCompiles(t *testing.T) {
	expr := `request.path == "` + strings.Repeat("ä", 512-18) + `"`
	if _, err := Compile(expr); err != nil {
		t.Error(err)
	}
	if _, err := Compile(`request.path.matches("` + strings.Repeat("ä", 100) + `")`); err != nil {
		t.Error(err)
	}
}

func TestWarnings(t *testing.T) {
	for expr, want := range map[string]string{
		`request.method == 'GET'`:                        ``,
		`request.method == 'GET' || response.code == 5`:  `1:28: response.code never has a value: there is no response yet when a chain is chosen`,
		`source.ip == '10.0.0.0/8'`:                      `1:14: source.ip is one address in its shortest form, and never "10.0.0.0/8": for networks write source.ip.startsWith('10.0.')`,
		`source.address == '2001:DB8::1'`:                `1:19: source.address is one address in its shortest form, and never "2001:DB8::1": for networks write source.address.startsWith('10.0.')`,
		`source.ip == '2001:db8::1'`:                     ``,
		`'/?a=b' == request.path`:                        `1:1: request.path has no query, and is never "/?a=b": write request.query beside it`,
		`request.scheme == 'HTTPS'`:                      `1:19: request.scheme is http or https, and never "HTTPS"`,
		`request.scheme == 'https' && source.port == 80`: ``,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Warnings(), "; "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", expr, got, want)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		exprs []string
		want  string
	}{
		{nil, ``},
		{[]string{`true`}, `true`},
		{[]string{`true`, `1 == 1`}, `(true) || (1 == 1)`},
		{[]string{`false`, ``}, ``},
	} {
		if got, err := Join(tt.exprs...); got != tt.want || err != nil {
			t.Errorf("%q: %q, %v, want %q", tt.exprs, got, err, tt.want)
		}
	}
	long := `request.path == "` + strings.Repeat("a", 250) + `"`
	if _, err := Join(long, long); err == nil || err.Error() != `the matchers of the chain have 544 characters together, at most 512 are allowed` {
		t.Error(err)
	}
}

// TestTheRegionOfTheClient has no value where nobody knows it: then no condition on it holds, whatever it asks.
func TestTheRegionOfTheClient(t *testing.T) {
	r := usual()
	for _, c := range []struct {
		region, text string
		want         bool
	}{
		{"DE", `source.client_region == 'DE'`, true},
		{"US", `source.client_region == 'DE'`, false},
		{"US", `source.client_region != 'DE'`, true},
		{"", `source.client_region == 'DE'`, false},
		{"", `source.client_region != 'DE'`, false},
		{"", `source.client_region == '' || request.scheme == 'https'`, true},
	} {
		p, err := Compile(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if r.region = c.region; p.Match(r) != c.want {
			t.Errorf("%s in %q: %t", c.text, c.region, !c.want)
		}
	}
}
