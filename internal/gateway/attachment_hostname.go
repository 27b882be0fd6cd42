package gateway

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// intersect returns the hosts that a listener and a route have in common, sorted. A route without hostnames takes the
// listener's.
func intersect(listenerHost string, hostnames []gatewayv1.Hostname) []string {
	if len(hostnames) == 0 {
		return []string{listenerHost}
	}
	var hosts []string
	for _, h := range hostnames {
		host := strings.ToLower(string(h))
		switch {
		case covers(listenerHost, host):
			hosts = append(hosts, host)
		case covers(host, listenerHost):
			hosts = append(hosts, listenerHost)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// covers tells whether every host that b stands for is one that a stands for. A wildcard stands for one label or more.
func covers(a, b string) bool {
	if a == anyHost || a == b {
		return true
	}
	suffix, wild := strings.CutPrefix(a, "*")
	return wild && strings.HasSuffix(b, suffix) && len(b) > len(suffix)
}
