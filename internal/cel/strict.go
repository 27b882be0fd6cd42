package cel

import (
	"regexp"
	"strings"
)

// quoted are the characters that GKE's CRD lets into a text in quotes: no space, and little of what regular expressions need.
const quoted = "[a-zA-Z0-9/\\-._~%!$&'()*+,;=:\"\\\\]*"

// admitted are the tokens that GKE's CRD lets a celMatcher consist of. It has the names of one spelling only.
var admitted = longest(`^(?:` + strings.Join([]string{
	" ", `request\.(?:headers|method|host|path|query|scheme|backend_service_num_endpoints)`, `response\.(?:code|grpc_status|headers)`,
	`source\.(?:address|port)`, `connection\.(?:requested_server_name|tls_version|sha256_peer_certificate_digest)`,
	"endsWith", "startsWith", "matches", "contains", "lowerAscii", "upperAscii", "int",
	"==", "!=", "&&", `\|\|`, ">=", "<=", "[><!+./0-9()]", `\[`, `\]`,
	"'" + quoted + "'", `"` + quoted + `"`, "“" + quoted + "”", `R"[a-zA-Z0-9/\-._~%!$&'()*+,;=:\\]*"`,
}, "|") + `)+`)

func longest(expr string) *regexp.Regexp {
	re := regexp.MustCompile(expr)
	re.Longest()
	return re
}

// spelling are the names that GKE's CRD has for what it refuses.
var spelling = []struct{ refused, instead string }{
	{"source.ip", "source.address"},
	{"connection.sni", "connection.requested_server_name"},
	{"lower(", "lowerAscii()"},
	{"upper(", "upperAscii()"},
	{"true", "1 == 1"},
	{"false", "1 != 1"},
	{"request.backend_service_name", "backendRefs beside the celMatcher"},
	{"request.url_path", "request.path"},
	{"has", "request.headers['name'].startsWith('')"},
	{"-", "a number without sign"},
	{"\n", "the condition in one line"},
	{"\t", "a space"},
}

// CheckStrict says where a condition has what the newest of GKE's CRDs refuses, although it may be correct. The error is an
// *Error. Compile is asked besides: the CRD lets through what is no condition at all.
func CheckStrict(expr string) error {
	n := len(admitted.FindString(expr))
	if n == len(expr) {
		return nil
	}
	rest := expr[n:]
	for _, s := range spelling {
		if strings.HasPrefix(rest, s.refused) {
			return errorAt(location(expr, n), "GKE's CRD refuses %q: write %s", strings.TrimSuffix(s.refused, "("), s.instead)
		}
	}
	if rest[0] == '\'' || rest[0] == '"' || strings.HasPrefix(rest, `R"`) {
		return errorAt(location(expr, n), "GKE's CRD refuses this text: no spaces, and none of ? @ # ^ | < > [ ] { } may be in quotes")
	}
	word := rest
	if i := strings.IndexAny(rest, " ()['\""); i > 0 {
		word = rest[:i]
	}
	return errorAt(location(expr, n), "GKE's CRD refuses %q", word)
}
