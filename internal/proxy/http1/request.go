package http1

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// RequestHead is what a request's head says about its connection.
type RequestHead struct {
	// Bytes is the length of the head.
	Bytes int
	// Chunked says how the body is framed when Request.ContentLength is message.UnknownLength.
	Chunked bool
	// KeepAlive: the client can take another answer on this connection.
	KeepAlive bool
	// Continue: the client waits for a 100 before it sends the body.
	Continue bool
}

// ParseRequest reads the request head at the start of buf into req, which must be reset. A head that is not complete
// yet has Bytes 0. searched is len(buf) of the last call for the same head, or 0. The body is left to the caller.
func ParseRequest(buf []byte, searched int, l *Limits, req *message.Request) (RequestHead, *Refusal) {
	var head RequestHead
	start := 0
	if len(buf) >= 2 && buf[0] == '\r' && buf[1] == '\n' {
		start = 2
	} else if len(buf) == 1 && buf[0] == '\r' {
		return head, nil
	}
	n, bad := headEnd(buf[start:], searched-start)
	if bad != nil {
		return head, bad
	}
	if n == 0 {
		return head, overLimits(buf[start:], l)
	}
	if n > l.HeaderBytes {
		return head, overLimits(buf[start:start+n], l)
	}
	section := buf[start : start+n]
	rest, bad := parseRequestLine(section, l, req)
	if bad != nil {
		return head, bad
	}
	if bad := parseFields(rest, l.HeaderCount, &req.Header, ofRequest); bad != nil {
		return head, bad
	}
	head.Bytes = start + n
	return head, finishRequest(&head, l, req)
}

// overLimits tells which limit a head exceeds, if any: the target's where the request line alone is too long.
func overLimits(head []byte, l *Limits) *Refusal {
	line := head
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		line = head[:i]
	}
	// The method and the version take part of the line.
	if len(line) > l.TargetBytes+64 {
		return errTargetLong
	}
	if len(head) > l.HeaderBytes {
		return errHeaderBytes
	}
	return nil
}

// parseRequestLine reads METHOD SP TARGET SP VERSION CRLF.
func parseRequestLine(section []byte, l *Limits, req *message.Request) (rest []byte, bad *Refusal) {
	end := bytes.IndexByte(section, '\n')
	if end < 1 || section[end-1] != '\r' {
		return nil, errBareLF
	}
	line := section[:end-1]
	i := 0
	for i < len(line) && field.IsToken(line[i]) {
		i++
	}
	if i == 0 || i == len(line) || line[i] != ' ' {
		return nil, errMethod
	}
	req.Method = line[:i]
	line = line[i+1:]
	i = bytes.IndexByte(line, ' ')
	if i <= 0 {
		return nil, errRequestLine
	}
	target, version := line[:i], line[i+1:]
	if bad := parseVersion(version, req); bad != nil {
		return nil, bad
	}
	if len(target) > l.TargetBytes {
		return nil, errTargetLong
	}
	if bad := parseTarget(target, req); bad != nil {
		return nil, bad
	}
	return section[end+1:], nil
}

// parseVersion takes HTTP/1.1 and HTTP/1.0. What looks like another version is 505, all else is 400.
func parseVersion(v []byte, req *message.Request) *Refusal {
	if len(v) != len("HTTP/1.1") || string(v[:5]) != "HTTP/" || v[6] != '.' || !isDigit(v[5]) || !isDigit(v[7]) {
		return errRequestLine
	}
	if v[5] != '1' || v[7] > '1' {
		return errVersion
	}
	req.Major, req.Minor = 1, v[7]-'0'
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// finishRequest applies the rules that need all fields, and takes the fields away that are not the message's.
func finishRequest(head *RequestHead, l *Limits, req *message.Request) *Refusal {
	var f framing
	http10 := req.Minor == 0
	if bad := f.read(&req.Header, http10, ofRequest); bad != nil {
		return bad
	}
	if bad := setAuthority(&f, http10, req); bad != nil {
		return bad
	}
	head.KeepAlive = !f.close && (!http10 || f.keepAlive)
	head.Chunked = f.chunked
	switch {
	case f.chunked:
		req.ContentLength = message.UnknownLength
	case l.BodyBytes > 0 && f.length > l.BodyBytes:
		return errBodyBytes
	default:
		req.ContentLength = f.length
	}
	if f.expect {
		head.Continue = !http10 && req.ContentLength != 0
		if !head.Continue {
			req.Header.Del(header.Expect)
		}
	}
	if f.upgrade && !http10 && req.ContentLength == 0 && len(f.protocol) > 0 {
		field.Lower(f.protocol)
		req.Protocol = f.protocol
	}
	f.strip(&req.Header)
	return nil
}

// setAuthority applies the rules for Host, and takes the field away.
func setAuthority(f *framing, http10 bool, req *message.Request) *Refusal {
	switch {
	case f.hosts > 1:
		return errManyHosts
	case f.hosts == 0 && !http10:
		return errNoHost
	case f.hosts == 0:
		return nil
	}
	req.Header.Del(header.Host)
	if len(f.host) > 0 && !message.ValidAuthority(f.host) {
		return errHost
	}
	if req.Authority == nil {
		req.Authority = f.host
	}
	return nil
}
