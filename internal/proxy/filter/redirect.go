package filter

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// Redirect is a compiled Redirect.
type Redirect struct {
	Status int
	scheme string
	host   string
	port   uint16
	path   pathEdit
}

// CompileRedirect takes the prefix that the rule's match names ("" when it matches otherwise). nil gives nil.
func CompileRedirect(r *lbv1.Redirect, matchedPrefix string) (*Redirect, error) {
	if r == nil {
		return nil, nil
	}
	switch r.GetStatus() {
	case 301, 302, 303, 307, 308:
	default:
		return nil, refusal.Errorf("status", "%d is not one of 301, 302, 303, 307, 308", r.GetStatus())
	}
	switch r.GetScheme() {
	case "", "http", "https":
	default:
		return nil, refusal.Errorf("scheme", "%q is neither http nor https", r.GetScheme())
	}
	if r.GetPort() > 65535 {
		return nil, refusal.Errorf("port", "%d is not a port", r.GetPort())
	}
	if err := checkHost(r.GetHost()); err != nil {
		return nil, refusal.At("host", err)
	}
	out := &Redirect{
		Status: int(r.GetStatus()),
		scheme: r.GetScheme(), host: strings.ToLower(r.GetHost()), port: uint16(r.GetPort()),
	}
	var err error
	switch p := r.GetPath().(type) {
	case *lbv1.Redirect_ReplacePrefix:
		out.path, err = compilePrefix(p.ReplacePrefix, matchedPrefix)
		err = refusal.At("replace_prefix", err)
	case *lbv1.Redirect_ReplaceFull:
		out.path, err = compileFull(p.ReplaceFull)
		err = refusal.At("replace_full", err)
	}
	return out, err
}

// Location appends the value of the Location header to dst.
//
// boundPort is the port that the connection came in on. reach translates a port as users write it into the one that is
// really bound on this address (they differ where low ports are not permitted); nil leaves ports as they are. By the
// Gateway API's rules the port is the redirect's, else the well-known one of the redirect's scheme, else that of the
// connection, and is shown unless it is the well-known one of the resulting scheme.
func (r *Redirect) Location(dst []byte, req *message.Request, boundPort uint16, reach func(uint16) uint16) []byte {
	start := len(dst)
	host, _ := splitPort(req.Authority)
	if r.host != "" || len(host) > 0 {
		scheme := r.scheme
		if scheme == "" {
			scheme = string(req.Scheme)
		}
		dst = append(append(dst, scheme...), "://"...)
		if r.host != "" {
			dst = append(dst, r.host...)
		} else {
			dst = append(dst, host...)
		}
		if port := r.shownPort(boundPort, reach); port != wellKnown(scheme) {
			dst = strconv.AppendUint(append(dst, ':'), uint64(port), 10)
		}
	}
	at := len(dst)
	dst = r.path.appendTo(dst, req)
	if at == start && isNetworkPath(dst[at:]) {
		// Without a host of its own in front, "//evil" would name a host; "/.//evil" is the same path and names none.
		dst = slices.Insert(dst, at, '/', '.')
	}
	return dst
}

// isNetworkPath is for references that begin with a host. Browsers take "\" for "/".
func isNetworkPath(ref []byte) bool {
	return len(ref) > 1 && ref[0] == '/' && (ref[1] == '/' || ref[1] == '\\')
}

func (r *Redirect) shownPort(boundPort uint16, reach func(uint16) uint16) uint16 {
	port := r.port
	if port == 0 {
		port = wellKnown(r.scheme)
	}
	if port == 0 {
		return boundPort
	}
	if reach == nil {
		return port
	}
	return reach(port)
}

func wellKnown(scheme string) uint16 {
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}

// splitPort takes host[:port] apart; brackets stay with an IPv6 host.
func splitPort(authority []byte) (host, port []byte) {
	i := bytes.LastIndexByte(authority, ':')
	if i < 0 || bytes.IndexByte(authority[i:], ']') >= 0 {
		return authority, nil
	}
	return authority[:i], authority[i+1:]
}
