package http1

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// ResponseHead is what an answer's head says about its connection.
type ResponseHead struct {
	// Bytes is the length of the head.
	Bytes int
	// Chunked or UntilClose say how the body is framed when Response.ContentLength is message.UnknownLength.
	Chunked, UntilClose bool
	// KeepAlive: the connection can carry another request once the body has been read.
	KeepAlive bool
	// Protocol is what a 101 has switched to.
	Protocol []byte
}

// Asked is what the reader of an answer must know about the request.
type Asked struct {
	// Head: the method was HEAD.
	Head bool
	// Protocol is what the client wants to upgrade to, the only one that a 101 may switch to (RFC 9110 section 7.8); nil
	// if nothing.
	Protocol []byte
}

// ParseResponse reads the head of an answer, also of an informational one, like ParseRequest.
func ParseResponse(buf []byte, searched int, l *Limits, asked Asked, res *message.Response) (ResponseHead, *Refusal) {
	var head ResponseHead
	n, bad := headEnd(buf, searched)
	if bad != nil {
		return head, bad
	}
	if n == 0 || n > l.HeaderBytes {
		if len(buf) > l.HeaderBytes {
			return head, errHeaderBytes
		}
		return head, nil
	}
	http10, rest, bad := parseStatusLine(buf[:n], res)
	if bad != nil {
		return head, bad
	}
	if bad := parseFields(rest, l.HeaderCount, &res.Header, ofAnswer); bad != nil {
		return head, bad
	}
	head.Bytes = n
	return head, finishResponse(&head, asked, http10, res)
}

// parseStatusLine reads HTTP/1.x SP 3DIGIT [SP reason] CRLF. The reason is not kept.
func parseStatusLine(section []byte, res *message.Response) (http10 bool, rest []byte, bad *Refusal) {
	end := bytes.IndexByte(section, '\n')
	if end < 1 || section[end-1] != '\r' {
		return false, nil, errBareLF
	}
	line := section[:end-1]
	if len(line) < len("HTTP/1.1 200") || string(line[:5]) != "HTTP/" {
		return false, nil, errStatusLine
	}
	// A higher minor version is read as 1.1 (RFC 9110 section 2.5).
	if line[5] != '1' || line[6] != '.' || !isDigit(line[7]) {
		return false, nil, errStatusVersion
	}
	if line[8] != ' ' || !isDigit(line[9]) || !isDigit(line[10]) || !isDigit(line[11]) ||
		len(line) > 12 && line[12] != ' ' || field.HasControl(line[12:]) {
		return false, nil, errStatusLine
	}
	res.Status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
	if !message.ValidStatus(res.Status) {
		return false, nil, errStatusLine
	}
	return line[7] == '0', section[end+1:], nil
}

// finishResponse decides where the body ends. RFC 9112 section 6.3, without the choices it leaves.
func finishResponse(head *ResponseHead, asked Asked, http10 bool, res *message.Response) *Refusal {
	var f framing
	if bad := f.read(&res.Header, http10, ofAnswer); bad != nil {
		return bad
	}
	head.KeepAlive = !f.close && (!http10 || f.keepAlive)
	switch {
	case res.Status == 101:
		field.Lower(f.protocol)
		if asked.Protocol == nil || !f.upgrade || !bytes.EqualFold(f.protocol, asked.Protocol) || f.chunked || f.length > 0 {
			return errSwitching
		}
		head.Protocol = f.protocol
		res.Header.Del(header.ContentLength)
	case !message.MayHaveLength(res.Status):
		if f.chunked || f.length > 0 {
			return errNoBodyFraming
		}
		res.Header.Del(header.ContentLength)
	case !message.HasBody(asked.Head, res.Status):
	case f.chunked:
		head.Chunked = true
		res.ContentLength = message.UnknownLength
	case f.hasLength:
		res.ContentLength = f.length
	default:
		head.UntilClose = true
		head.KeepAlive = false
		res.ContentLength = message.UnknownLength
	}
	f.strip(&res.Header)
	return nil
}
