package filter

import (
	"fmt"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// Rewrite is a compiled UrlRewrite. nil rewrites nothing.
type Rewrite struct {
	host []byte
	path pathEdit
}

// CompileRewrite takes the prefix that the rule's match names ("" when it matches otherwise).
func CompileRewrite(r *lbv1.UrlRewrite, matchedPrefix string) (*Rewrite, error) {
	if r.GetHost() == "" && r.GetPath() == nil {
		return nil, nil
	}
	out := &Rewrite{}
	if r.GetHost() != "" {
		if err := checkHost(r.GetHost()); err != nil {
			return nil, refusal.At("host", err)
		}
		out.host = []byte(r.GetHost())
	}
	var err error
	switch p := r.GetPath().(type) {
	case *lbv1.UrlRewrite_ReplacePrefix:
		out.path, err = compilePrefix(p.ReplacePrefix, matchedPrefix)
		err = refusal.At("replace_prefix", err)
	case *lbv1.UrlRewrite_ReplaceFull:
		out.path, err = compileFull(p.ReplaceFull)
		err = refusal.At("replace_full", err)
	}
	return out, err
}

// Apply changes the request's authority and path. Bytes that must be built are appended to buf, which is returned and
// must live as long as the request. The path of an asterisk-form or CONNECT request stays.
func (r *Rewrite) Apply(req *message.Request, buf []byte) []byte {
	if r == nil {
		return buf
	}
	if r.host != nil {
		req.Authority = r.host
	}
	if r.path.kind == keepPath || len(req.Path) == 0 || req.Path[0] != '/' {
		return buf
	}
	start := len(buf)
	buf = r.path.appendTo(buf, req)
	req.Path = buf[start:len(buf):len(buf)]
	return buf
}

func checkHost(host string) error {
	if host != "" && (!message.ValidAuthority([]byte(host)) || strings.Contains(host, "*")) {
		return fmt.Errorf("%q is not a host", host)
	}
	return nil
}
