package explain

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Request is what somebody might send, in curl's terms.
type Request struct {
	// URL is [http[s]://]HOST[:PORT][/PATH][?QUERY]. The host is an address that is listened on, or a name.
	URL string
	// Method is GET by default.
	Method string
	// Fields are "Name: value", "Name;" for an empty value, and "Name:" for none. Nothing is added to them but a host.
	Fields []string
	// HTTP2: by an HTTP/2 client.
	HTTP2 bool
	// Client is who asks; 127.0.0.1 by default.
	Client netip.AddrPort
	// Gateway is the namespace/name of the only one that is looked at; "" looks at all.
	Gateway string
	// Sockets are where a running server listens; those that are not in it are as the model says.
	Sockets []Socket
}

// Socket is where a forwarding rule is served. The port may not be the rule's own.
type Socket struct {
	ForwardingRule string
	Address        netip.AddrPort
}

// bound is the port at which a frontend is served.
func (q *Request) bound(f config.Frontend) uint16 {
	for _, s := range q.Sockets {
		if s.ForwardingRule == f.Name && s.Address.Addr().Unmap() == f.Address {
			return s.Address.Port()
		}
	}
	return f.Port
}

// parsed is a request that has been taken apart.
type parsed struct {
	Request
	scheme string
	host   string // of the URL
	port   uint16
	// authority is what the request says it is for.
	authority string
	// head is that of an HTTP/1.1 message.
	head string
}

// address is the URL's host, if that is an address.
func (p *parsed) address() (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(p.host, "[]"))
	return a.Unmap(), err == nil
}

// serverName is what a TLS client asks for: names alone.
func (p *parsed) serverName() string {
	if _, is := p.address(); is || p.scheme != "https" {
		return ""
	}
	return strings.ToLower(p.host)
}

func parse(q Request) (*parsed, error) {
	p := &parsed{Request: q}
	scheme, rest, found := strings.Cut(q.URL, "://")
	if !found {
		scheme, rest = "http", q.URL // as curl has it
	}
	p.scheme = strings.ToLower(scheme)
	if p.scheme != "http" && p.scheme != "https" {
		return nil, fmt.Errorf("URL %q: the scheme is neither http nor https", q.URL)
	}
	rest, _, _ = strings.Cut(rest, "#")
	authority, target := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, target = rest[:i], rest[i:]
	}
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	if err := p.readAuthority(authority); err != nil {
		return nil, fmt.Errorf("URL %q: %w", q.URL, err)
	}
	return p, p.write(authority, target)
}

func (p *parsed) readAuthority(authority string) error {
	if !message.ValidAuthority([]byte(authority)) {
		return fmt.Errorf("%q is no host[:port]", authority)
	}
	p.host, p.port = authority, 80
	if p.scheme == "https" {
		p.port = 443
	}
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		p.host = authority[:i]
		if text := authority[i+1:]; text != "" {
			n, _ := strconv.Atoi(text) // ValidAuthority has looked at it
			p.port = uint16(n)
		}
	}
	return nil
}

// write makes the head of the message.
func (p *parsed) write(authority, target string) error {
	if !field.ValidTarget([]byte(target)) {
		return fmt.Errorf("URL %q: the path has a byte that has to be percent-encoded", p.URL)
	}
	p.Method = cmp.Or(p.Method, "GET")
	if !field.ValidToken([]byte(p.Method)) {
		return fmt.Errorf("%q is no method", p.Method)
	}
	var fields strings.Builder
	for _, text := range p.Fields {
		name, value, there, err := readField(text)
		switch {
		case err != nil:
			return err
		case p.HTTP2 && slices.Contains(notInHTTP2, strings.ToLower(name)):
			return fmt.Errorf("HTTP/2 has no field %s", name)
		case strings.EqualFold(name, "host"):
			authority = value
		case there:
			fmt.Fprintf(&fields, "%s: %s\r\n", name, value)
		}
	}
	p.authority = authority
	p.head = fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", p.Method, target, authority, fields.String())
	return nil
}

// notInHTTP2 are fields of connections (RFC 9113 section 8.2.2).
var notInHTTP2 = []string{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}

// readField reads the forms of curl's -H.
func readField(text string) (name, value string, there bool, err error) {
	name, value, there = strings.Cut(text, ":")
	if value = strings.TrimSpace(value); !there {
		name, there = strings.CutSuffix(text, ";")
	} else if value == "" {
		there = false
		if strings.EqualFold(name, "host") {
			return name, "", false, errors.New("a request without a host reaches no rule")
		}
	} else if !field.ValidValue([]byte(value)) {
		return "", "", false, fmt.Errorf("field %q: the value has a byte that no field may have", text)
	}
	if !field.ValidName([]byte(strings.ToLower(name))) || !there && !strings.Contains(text, ":") {
		return "", "", false, fmt.Errorf("%q is no field: write 'Name: value'", text)
	}
	return name, value, there, nil
}
