package gateway

import (
	"fmt"
	"time"
)

// precedence is what decides which of several matching rules of a host wins, in the order of the Gateway API: the kind
// of path match, its length, a method, the number of headers, of query parameters, the age of the route, its name, the
// place of the rule and of the match in it.
type precedence struct {
	path pathRank
	// length and detail are the numbers of characters in the path; for gRPC in the service and in the method.
	length, detail  int
	method          bool
	headers, params int
	created         time.Time
	route           string // namespace/name
	kind            string
	rule, match     int
}

// pathRank orders the kinds of path matches. The Gateway API leaves the place of regular expressions open; as in
// other implementations they come between exact paths and prefixes.
type pathRank int

const (
	rankExact pathRank = iota
	rankRegex
	rankPrefix
)

// maxField is the most that a numeric field can hold; a larger one counts as this.
const maxField = 99999

// String compares byte-wise: the smallest wins. A comma is below every character that a name may have, so that a name
// comes before those that it is a prefix of.
func (p precedence) String() string {
	method := 1
	if p.method {
		method = 0
	}
	created := max(p.created.Unix(), 0)
	return fmt.Sprintf("%d%05d%05d%d%05d%05d%011d,%s,%s,%04d,%04d", p.path, less(p.length), less(p.detail), method,
		less(p.headers), less(p.params), created, p.route, p.kind, p.rule, p.match)
}

// less turns more into less: what has more of it comes first.
func less(n int) int { return maxField - min(n, maxField) }
