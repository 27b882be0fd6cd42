package http1

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/requestpath"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// parseTarget reads the request target in any of its forms.
func parseTarget(target []byte, req *message.Request) *Refusal {
	if !field.ValidTarget(target) {
		return errTarget
	}
	switch {
	case string(req.Method) == "CONNECT":
		return errConnect
	case target[0] == '/':
		req.Path = requestpath.Normalize(target)
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
	if i < 0 || !field.EqualFold(target[:i], "http") && !field.EqualFold(target[:i], "https") {
		return errTarget
	}
	rest := target[i+3:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	if !message.ValidAuthority(authority) {
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
		req.Path = requestpath.Normalize(path)
	}
	return nil
}

var asterisk = []byte("*")
