package field

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// HasUnderscore reports whether a name has a "_", which CGI and what came after it cannot tell from "-".
func HasUnderscore(name []byte) bool { return bytes.IndexByte(name, '_') >= 0 }

// Lookalike reports whether a name with "_" is, to such a backend, a field that the proxy writes, checks or takes out: "x_forwarded_for".
func Lookalike(name []byte) bool {
	if !HasUnderscore(name) {
		return false
	}
	dashed := bytes.ReplaceAll(name, []byte{'_'}, []byte{'-'})
	return header.Lookup(dashed) != header.Other || bytes.HasPrefix(dashed, []byte("x-forwarded-")) ||
		string(dashed) == "forwarded" || string(dashed) == "x-real-ip"
}
