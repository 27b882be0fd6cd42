package message

import (
	"bytes"
	"net/netip"
)

// ValidAuthority accepts host[:port] as RFC 3986 section 3.2 has it, in either case: an IPv6 address in brackets, or a
// name or IPv4 address of unreserved bytes, sub-delims, and percent-encoded bytes. Narrower than the grammar: no user
// information, no empty host, no comma, which reads as two hosts where fields are joined, no zone, and no literal of
// a future version of IP.
func ValidAuthority(a []byte) bool {
	if len(a) > 0 && a[0] == '[' {
		end := bytes.IndexByte(a, ']')
		if end < 0 || !validIPv6(a[1:end]) {
			return false
		}
		rest := a[end+1:]
		return len(rest) == 0 || rest[0] == ':' && validPort(rest[1:])
	}
	host, port, _ := bytes.Cut(a, []byte{':'})
	return validName(host) && validPort(port)
}

// validIPv6 is for the text between brackets. The bytes are looked at first because netip also takes zones.
func validIPv6(text []byte) bool {
	for _, c := range text {
		if !isHex(c) && c != ':' && c != '.' {
			return false
		}
	}
	addr, err := netip.ParseAddr(string(text))
	return err == nil && addr.Is6()
}

func validName(host []byte) bool {
	for i, c := range host {
		switch {
		case !inName[c]:
			return false
		case c == '%' && (len(host)-i < 3 || !isHex(host[i+1]) || !isHex(host[i+2])):
			return false
		}
	}
	return len(host) > 0
}

// inName holds unreserved, sub-delims but for the comma, and the percent sign.
var inName = func() (t [256]bool) {
	for _, c := range []byte("-._~%!$&'()*+;=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// validPort accepts no digits (RFC 3986 allows "host:") to five digits up to 65535.
func validPort(p []byte) bool {
	if len(p) > 5 {
		return false
	}
	n := 0
	for _, c := range p {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n <= 65535
}
