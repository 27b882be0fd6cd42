package ingress

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	ingressv1 "k8s.io/api/networking/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/requestpath"
)

// pathKind is how a path is compared.
type pathKind int

const (
	// exactPath is the path and nothing else.
	exactPath pathKind = iota
	// prefixPath is the path and what is below it, by elements.
	prefixPath
	// underPath is what is below the path, which ends with a slash: Google's "/foo/*" does not match "/foo".
	underPath
)

// path is what a rule matches. Text of a prefix has no slash at its end, "" is every path.
type path struct {
	Kind pathKind
	Text string
}

// readPath reads a path as GKE does.
func readPath(text string, of *ingressv1.PathType) (path, error) {
	kind := ingressv1.PathTypeImplementationSpecific
	if of != nil {
		kind = *of
	}
	var p path
	switch kind {
	case ingressv1.PathTypeExact, ingressv1.PathTypePrefix:
		name := strings.ToLower(string(kind))
		if text == "" {
			return p, fmt.Errorf("failed to validate %s path %s due to empty path", name, text)
		}
		if strings.Contains(text, "*") {
			return p, fmt.Errorf("failed to validate %s path %s due to invalid wildcard", name, text)
		}
		if !strings.HasPrefix(text, "/") {
			return p, noSlash(text)
		}
		p = path{exactPath, text}
		if kind == ingressv1.PathTypePrefix {
			p = path{prefixPath, strings.TrimRight(text, "/")}
		}
	case ingressv1.PathTypeImplementationSpecific:
		var err error
		if p, err = readPattern(text); err != nil {
			return p, err
		}
	default:
		return p, fmt.Errorf("unsupported path type: %s", kind)
	}
	return p.normal(text)
}

// readPattern reads a path of Google's URL maps, whose one wildcard is a "*" behind the last slash.
func readPattern(text string) (path, error) {
	switch before, after, wild := strings.Cut(text, "*"); {
	case text == "":
		return path{Kind: prefixPath}, nil
	case !strings.HasPrefix(text, "/"):
		return path{}, noSlash(text)
	case strings.ContainsAny(text, "?#"):
		return path{}, fmt.Errorf("invalid path %q: a path has neither ? nor #", text)
	case !wild:
		return path{exactPath, text}, nil
	case after != "" || !strings.HasSuffix(before, "/"):
		return path{}, fmt.Errorf("invalid path %q: a * is allowed only at the end, behind a /", text)
	case before == "/":
		return path{Kind: prefixPath}, nil
	default:
		return path{underPath, before}, nil
	}
}

func noSlash(text string) error { return fmt.Errorf("invalid path %q: it must begin with a /", text) }

// normal is the path as rules see those of requests.
func (p path) normal(written string) (path, error) {
	if p.Text == "" {
		return p, nil
	}
	if !utf8.ValidString(p.Text) {
		return p, fmt.Errorf("invalid path %q: it is not UTF-8", written)
	}
	for i := range len(p.Text) {
		if c := p.Text[i]; c <= ' ' || c == 0x7f || c == '?' || c == '#' {
			return p, fmt.Errorf("invalid path %q: no request's path has the byte 0x%02x", written, c)
		}
	}
	if resolved := requestpath.Normalize([]byte(p.Text)); string(resolved) != p.Text {
		return p, fmt.Errorf("invalid path %q: it has dot segments, which are resolved before a request is routed", written)
	}
	policy := requestpath.Compile(nil)
	reading, err := policy.Read([]byte(p.Text))
	if err != nil {
		return p, fmt.Errorf("invalid path %q: %w", written, err)
	}
	p.Text = string(reading.Matched)
	return p, nil
}

// match is the path in the model.
func (p path) match() *lbv1.RouteMatch {
	switch {
	case !ascii(p.Text):
		return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Regex{Regex: eitherWay(p.Text) + map[pathKind]string{prefixPath: "(?:/.*)?", underPath: ".*"}[p.Kind]}}
	case p.Kind == exactPath:
		return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Exact{Exact: p.Text}}
	case p.Kind == underPath:
		return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Regex{Regex: regexp.QuoteMeta(p.Text) + ".*"}}
	}
	if p.Text == "" {
		return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/"}}
	}
	return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: p.Text}}
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// eitherWay is an expression for a path whose letters clients send percent-encoded, as they should, or as they are.
func eitherWay(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			b.WriteString(regexp.QuoteMeta(string(r)))
			continue
		}
		b.WriteString("(?:" + string(r) + "|(?i:")
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		b.WriteString("))")
	}
	return b.String()
}

// rank comes first of those that match a request: an exact path, then the longest. "/foo/*" and the prefix "/foo" are
// equally long: of two that say the same, the later one of the Ingress wins.
func (p path) rank(index int) string {
	wild := 1
	if p.Kind == exactPath {
		wild = 0
	}
	return fmt.Sprintf("%d%05d%05d", wild, less(len(strings.TrimRight(p.Text, "/"))), less(index))
}

// less turns more into less: what has more of it comes first.
func less(n int) int { return 99999 - min(n, 99999) }
