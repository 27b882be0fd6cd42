package config

import (
	"net/netip"
	"slices"
)

// FrontendKind is what a frontend takes the bytes of its connections for.
type FrontendKind string

// HTTP is requests, with TLS or without, that a target proxy routes. It is the only kind that forwarding rules can ask for yet.
const HTTP FrontendKind = "HTTP"

// Frontend is one address and port to listen on.
type Frontend struct {
	Kind FrontendKind
	// Name is the forwarding rule's, which has one Frontend for each of its addresses.
	Name        string
	Address     netip.Addr
	Port        uint16
	TargetProxy string
	TLS         bool
	Region      string
}

// Frontends are the addresses that this location serves, sorted by name; no rule has an address twice.
func (r *Root) Frontends() []Frontend {
	var out []Frontend
	r.entries.Root().WalkPrefix(key{kind: kindForwardingRule}.bytes(), func(_ []byte, e *entry) bool {
		f := e.resource.GetForwardingRule()
		first := len(out)
		for _, v := range f.GetVips() {
			if v.GetRegion() != "" && r.at.Region != "" && v.GetRegion() != r.at.Region {
				continue
			}
			addr, _ := netip.ParseAddr(v.GetAddress()) // checked by compile
			addr = addr.Unmap()
			if slices.ContainsFunc(out[first:], func(f Frontend) bool { return f.Address == addr }) {
				continue
			}
			out = append(out, Frontend{
				Kind: HTTP, Name: e.resource.GetName(), Address: addr, Port: uint16(f.GetPort()), TargetProxy: f.GetTargetProxy(),
				TLS: r.TargetProxy(f.GetTargetProxy()).Spec.GetTls() != nil, Region: v.GetRegion(),
			})
		}
		return false
	})
	return out
}

// GeoDatabases are the files that target proxies name.
func (r *Root) GeoDatabases() []string {
	var out []string
	r.entries.Root().WalkPrefix(key{kind: kindTargetProxy}.bytes(), func(_ []byte, e *entry) bool {
		if file := e.resource.GetTargetProxy().GetGeoDatabase(); file != "" && !slices.Contains(out, file) {
			out = append(out, file)
		}
		return false
	})
	return out
}
