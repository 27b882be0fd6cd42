package http1

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// parseTarget reads the request target in any of its forms.
func parseTarget(target []byte, req *message.Request) *Refusal {
	if !validTarget(target) {
		return errTarget
	}
	switch {
	case string(req.Method) == "CONNECT":
		return errConnect
	case target[0] == '/':
		req.Path = NormalizePath(target)
		return nil
	case len(target) == 1 && target[0] == '*':
		if string(req.Method) != "OPTIONS" {
			return errTarget
		}
		req.Path = target
		return nil
	}
	return parseAbsolute(target, req)
}

var rootPath = []byte("/")

// parseAbsolute reads scheme://authority/path. The scheme is forgotten: the connection has its own.
func parseAbsolute(target []byte, req *message.Request) *Refusal {
	i := bytes.Index(target, []byte("://"))
	if i < 0 || !equalFold(target[:i], "http") && !equalFold(target[:i], "https") {
		return errTarget
	}
	rest := target[i+3:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	lower(authority)
	if len(authority) == 0 || !validAuthority(authority) {
		return errHost
	}
	req.Authority = authority
	path := rest[end:]
	switch {
	case len(path) == 0:
		req.Path = rootPath
		if string(req.Method) == "OPTIONS" {
			req.Path = asterisk
		}
	case path[0] == '?':
		// Rare enough to allocate.
		req.Path = append([]byte{'/'}, path...)
	default:
		req.Path = NormalizePath(path)
	}
	return nil
}

var asterisk = []byte("*")

// validTarget: no control byte, space, or fragment.
func validTarget(target []byte) bool {
	for _, c := range target {
		if c <= 0x20 || c == 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// validAuthority accepts host[:port]: a reg-name or IPv4 address of unreserved and percent-encoded bytes and sub-delims, or
// an IP literal in brackets. User information is refused. Empty is valid.
func validAuthority(a []byte) bool {
	host := a
	if len(a) > 0 && a[0] == '[' {
		i := bytes.IndexByte(a, ']')
		if i < 2 {
			return false
		}
		for _, c := range a[1:i] {
			if !isHexDigit(c) && c != ':' && c != '.' {
				return false
			}
		}
		host = a[i+1:]
		return len(host) == 0 || host[0] == ':' && validPort(host[1:])
	}
	if i := bytes.IndexByte(a, ':'); i >= 0 {
		if i == 0 || !validPort(a[i+1:]) {
			return false
		}
		host = a[:i]
	}
	for _, c := range host {
		if !hostByte[c] {
			return false
		}
	}
	return true
}

var hostByte = func() (t [256]bool) {
	for _, c := range []byte("-._~%!$&'()*+;=0123456789abcdefghijklmnopqrstuvwxyz") {
		t[c] = true
	}
	return t
}()

func isHexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// validPort accepts no digits (RFC 3986 allows "host:") to five digits up to 65535.
func validPort(p []byte) bool {
	if len(p) > 5 {
		return false
	}
	n := 0
	for _, c := range p {
		if !isDigit(c) {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n <= 65535
}
