package extension

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// Policy is what filters of one kind must not change, besides what none may: the fields that say where a message ends
// or that belong to one connection.
type Policy struct {
	names    map[string]bool
	prefixes [][]byte
	routing  bool
}

// nothing is the policy of an extension without one.
var nothing = &Policy{routing: true}

var (
	calloutNames    = []string{"x-user-ip", "cdn-loop", "proxy-authenticate", "proxy-authorization", "trailers"}
	calloutPrefixes = []string{"x-forwarded", "x-google", "x-gfe", "x-amz-"}
	pluginNames     = []string{
		"proxy-authenticate", "proxy-authorization", "sec-user-ip", "x-dont-count-ads", "x-dont-show-ads", "x-gr", "x-proxyuser-ip",
		"x-user-ip",
	}
	pluginPrefixes = []string{
		"sec-gfe-", "sec-google-", "x-amz-", "x-forwarded-", "x-gfe-", "x-goog-", "x-google-", "x-gproxy-",
	}
)

// CalloutPolicy is Google's for callouts.
func CalloutPolicy(k Kind) *Policy { return newPolicy(k, calloutNames, calloutPrefixes) }

// PluginPolicy is Google's for Wasm plugins.
func PluginPolicy(k Kind) *Policy { return newPolicy(k, pluginNames, pluginPrefixes) }

// newPolicy: only route extensions may change where a request goes.
func newPolicy(k Kind, names, prefixes []string) *Policy {
	p := &Policy{names: map[string]bool{}, routing: k == Route}
	for _, n := range names {
		p.names[n] = true
	}
	for _, n := range prefixes {
		p.prefixes = append(p.prefixes, []byte(n))
	}
	return p
}

// check says whether a field of that name, in lower case, may be set or deleted. A name with "_" counts as the one with
// "-", for which many backends take it.
func (p *Policy) check(name []byte) error {
	if !field.ValidName(name) {
		return ErrInvalid
	}
	if field.HasUnderscore(name) {
		name = bytes.ReplaceAll(name, []byte{'_'}, []byte{'-'})
	}
	switch {
	case field.Framing(header.Lookup(name)), p.names[string(name)]:
		return ErrForbidden
	}
	for _, prefix := range p.prefixes {
		if bytes.HasPrefix(name, prefix) {
			return ErrForbidden
		}
	}
	return nil
}
