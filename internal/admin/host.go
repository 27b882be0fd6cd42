package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// OnLoopback reports whether an address is reached from this host only. Elsewhere everybody who can reach it sees profiles,
// and with them names and addresses of what is served.
func OnLoopback(at net.Addr) bool {
	a, err := netip.ParseAddrPort(at.String())
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// ownHosts refuses what a browser sends in the name of a page of another site whose name was made to lead here (DNS
// rebinding): on loopback, a Host that is not one of its own. Elsewhere names are legitimate.
func ownHosts(at net.Addr, own func(host string) bool, next http.Handler) http.Handler {
	if !OnLoopback(at) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !own(r.Host) {
			http.Error(w, "this host is not served here", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// IsOwnHost says whether a Host, with a port or without, is an address or localhost: what no other site's name can be.
func IsOwnHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}
