package filter

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

var (
	allowOrigin      = []byte("access-control-allow-origin")
	allowMethods     = []byte("access-control-allow-methods")
	allowHeaders     = []byte("access-control-allow-headers")
	allowCredentials = []byte("access-control-allow-credentials")
	exposeHeaders    = []byte("access-control-expose-headers")
	maxAge           = []byte("access-control-max-age")
	star             = []byte("*")
	yes              = []byte("true")
	varyOrigin       = []byte("Origin")
)

// CORS is a compiled CorsPolicy. nil allows nothing and changes nothing.
type CORS struct {
	anyOrigin   bool
	origins     []origin
	methods     list
	headers     list
	expose      list
	maxAge      []byte
	credentials bool
}

// list is a joined list of names, or the wildcard.
type list struct {
	any    bool
	joined []byte
}

// origin is one allowed origin. With wildcard, host is what follows the "*".
type origin struct {
	scheme, host, port string
	wildcard           bool
}

// CompileCORS checks origins and joins the lists once. nil gives nil.
func CompileCORS(c *lbv1.CorsPolicy) (*CORS, error) {
	if c == nil {
		return nil, nil
	}
	out := &CORS{
		methods:     joinList(c.GetAllowMethods()),
		headers:     joinList(c.GetAllowHeaders()),
		expose:      joinList(c.GetExposeHeaders()),
		credentials: c.GetAllowCredentials(),
	}
	for i, text := range c.GetAllowOrigins() {
		if text == "*" {
			out.anyOrigin = true
			continue
		}
		o, err := compileOrigin(text)
		if err != nil {
			return nil, refusal.At(refusal.Item("allow_origins", i), err)
		}
		out.origins = append(out.origins, o)
	}
	for list, names := range map[string][]string{
		"allow_methods": c.GetAllowMethods(), "allow_headers": c.GetAllowHeaders(), "expose_headers": c.GetExposeHeaders(),
	} {
		for i, name := range names {
			if name != "*" && !field.ValidToken(name) {
				return nil, refusal.Errorf(refusal.Item(list, i), "%q is not a name", name)
			}
		}
	}
	if c.GetMaxAge() != nil {
		out.maxAge = strconv.AppendInt(nil, int64(c.GetMaxAge().AsDuration().Seconds()), 10)
	}
	return out, nil
}

func joinList(names []string) list {
	if slices.Contains(names, "*") {
		return list{any: true}
	}
	return list{joined: []byte(strings.Join(names, ", "))}
}

func compileOrigin(text string) (origin, error) {
	scheme, rest, ok := strings.Cut(strings.ToLower(text), "://")
	host, port := splitPort([]byte(rest))
	if !ok || scheme == "" || len(host) == 0 || strings.ContainsAny(rest, "/?# ") {
		return origin{}, fmt.Errorf("%q is not scheme://host[:port]", text)
	}
	o := origin{scheme: scheme, host: string(host), port: string(port)}
	if after, found := strings.CutPrefix(o.host, "*"); found {
		o.wildcard, o.host = true, after
	}
	if strings.Contains(o.host, "*") {
		return origin{}, fmt.Errorf("%q: a wildcard stands only at the beginning of the host", text)
	}
	return o, nil
}

func (o *origin) matches(b []byte) bool {
	i := bytes.Index(b, []byte("://"))
	if i < 0 || string(b[:i]) != o.scheme {
		return false
	}
	host, port := splitPort(b[i+3:])
	if string(port) != o.port {
		return false
	}
	if !o.wildcard {
		return string(host) == o.host
	}
	return len(host) > len(o.host) && string(host[len(host)-len(o.host):]) == o.host
}

// PreflightMethod is the method that a preflight asks for; false for other requests. A preflight is OPTIONS with Origin and
// Access-Control-Request-Method.
func PreflightMethod(req *message.Request) ([]byte, bool) {
	if string(req.Method) != http.MethodOptions {
		return nil, false
	}
	if _, ok := req.Header.Get(header.Origin); !ok {
		return nil, false
	}
	return req.Header.Get(header.AccessControlRequestMethod)
}

// IsPreflight says whether the request is answered locally.
func (c *CORS) IsPreflight(req *message.Request) bool {
	if c == nil {
		return false
	}
	_, ok := PreflightMethod(req)
	return ok
}

// Preflight adds the fields of the answer to a preflight (status 204, no body). An origin that is not allowed gets none,
// which the browser takes as a no.
func (c *CORS) Preflight(req *message.Request, answer *header.Map) {
	c.vary(answer)
	if !c.allow(req, answer) {
		return
	}
	method, _ := req.Header.Get(header.AccessControlRequestMethod)
	wanted, _ := req.Header.Get(header.AccessControlRequestHeaders)
	c.answerList(answer, allowMethods, &c.methods, method)
	c.answerList(answer, allowHeaders, &c.headers, wanted)
	// Browsers read this field of actual answers only; the Gateway API wants it here too.
	c.answerList(answer, exposeHeaders, &c.expose, nil)
	if c.maxAge != nil {
		answer.Set(maxAge, c.maxAge)
	}
}

// answerList writes a list of names. "*" is literal for requests with credentials, so that those get what they asked for.
func (c *CORS) answerList(answer *header.Map, name []byte, l *list, wanted []byte) {
	switch {
	case !l.any && len(l.joined) > 0:
		answer.Set(name, l.joined)
	case l.any && !c.credentials:
		answer.Set(name, star)
	case l.any && len(wanted) > 0:
		answer.Set(name, wanted)
	}
}

// Actual adds the fields of an answer to a request that carries an Origin. The policy is the only one that counts: the
// backend's own fields go.
func (c *CORS) Actual(req *message.Request, answer *header.Map) {
	if c == nil {
		return
	}
	c.vary(answer)
	if _, ok := req.Header.Get(header.Origin); !ok {
		return
	}
	for _, name := range [...][]byte{allowOrigin, allowCredentials, exposeHeaders} {
		answer.DelName(name)
	}
	if c.allow(req, answer) {
		c.answerList(answer, exposeHeaders, &c.expose, nil)
	}
}

// allow adds what says that the origin is allowed, if it is.
func (c *CORS) allow(req *message.Request, answer *header.Map) bool {
	from, ok := req.Header.Get(header.Origin)
	if !ok || !c.allows(from) {
		return false
	}
	if c.anyOrigin && !c.credentials {
		answer.Set(allowOrigin, star)
		return true
	}
	answer.Set(allowOrigin, from)
	if c.credentials {
		answer.Set(allowCredentials, yes)
	}
	return true
}

// vary tells caches that the answer depends on the origin, also where the origin is not allowed or there is none: such an
// answer is no answer to an origin that is.
func (c *CORS) vary(answer *header.Map) {
	if c.anyOrigin && !c.credentials {
		return
	}
	for i := range answer.Len() {
		if f := answer.At(i); f.ID == header.Vary && variesByOrigin(f.Value) {
			return
		}
	}
	answer.AddID(header.Vary, varyOrigin)
}

func variesByOrigin(vary []byte) bool {
	for name := range bytes.SplitSeq(vary, []byte(",")) {
		if name = bytes.TrimSpace(name); bytes.EqualFold(name, varyOrigin) || string(name) == "*" {
			return true
		}
	}
	return false
}

func (c *CORS) allows(from []byte) bool {
	if c.anyOrigin {
		return true
	}
	for i := range c.origins {
		if c.origins[i].matches(from) {
			return true
		}
	}
	return false
}
