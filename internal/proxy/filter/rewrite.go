package filter

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Rewrite is a compiled UrlRewrite. nil rewrites nothing.
type Rewrite struct {
	host []byte
	path pathEdit
}

// pathEdit replaces the matched prefix or the whole path; the query stays.
type pathEdit struct {
	kind        pathEditKind
	prefix      string
	replacement string
}

type pathEditKind uint8

const (
	keepPath pathEditKind = iota
	replacePrefix
	replaceFull
)

// CompileRewrite takes the prefix that the rule's match names ("" when it matches otherwise).
func CompileRewrite(r *lbv1.UrlRewrite, matchedPrefix string) (*Rewrite, error) { return nil, nil }

// Apply changes the request's authority and path. Bytes that must be built are appended to buf, which is returned and
// must live as long as the request.
func (r *Rewrite) Apply(req *message.Request, buf []byte) []byte { return buf }
