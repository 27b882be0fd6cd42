// Package names builds the names of load balancer resources as GKE does: gkemcg1-NAMESPACE-NAME-HASH for multi-cluster
// Gateways, gkegw1-CCCC-NAMESPACE-NAME-HASH for those of one cluster.
//
// In: the names of Kubernetes objects. Out: names of at most 63 characters that depend on nothing else, so they survive
// restarts and are the same in every process. Google's hash is not known; ours is the start of a SHA-256 in base 36.
//
//	n := names.MultiCluster()
//	n.BackendService("store", "store", 8080, "") // gkemcg1-store-store-8080-ym0pvrdctvcn
package names

import (
	"strconv"
	"strings"

	"github.com/spillway-lb/spillway/internal/digest"
)

const (
	// maxLength is Google's limit for the name of a compute resource.
	maxLength = 63
	// hashLength is that of the hash at the end of a name.
	hashLength = 12
)

// Namer names the resources of one scope: the fleet or a cluster.
type Namer struct {
	prefix string
}

// MultiCluster names the resources of multi-cluster Gateways.
func MultiCluster() Namer { return Namer{"gkemcg1"} }

// SingleCluster names the resources of the Gateways of one cluster.
func SingleCluster(cluster string) Namer { return Namer{"gkegw1-" + hash(4, "cluster", cluster)} }

// Address names an address of a Gateway. The variant is its region, or "" for a global one.
func (n Namer) Address(namespace, gateway, variant string) string {
	return n.name(hash(hashLength, "address", namespace, gateway, variant), namespace, gateway)
}

// ForwardingRule names what listens on one port of a Gateway.
func (n Namer) ForwardingRule(namespace, gateway string, port int32, variant string) string {
	return n.name(hash(hashLength, "forwarding-rule", namespace, gateway, itoa(port), variant), namespace, gateway)
}

// URLMap names the routing of one port of a Gateway; its target proxy has the same name.
func (n Namer) URLMap(namespace, gateway string, port int32, variant string) string {
	return n.name(hash(hashLength, "url-map", namespace, gateway, itoa(port), variant), namespace, gateway)
}

// Certificate names a certificate, or a set of authorities, of a Gateway. The variant tells them apart.
func (n Namer) Certificate(namespace, gateway, variant string) string {
	return n.name(hash(hashLength, "certificate", namespace, gateway, variant), namespace, gateway)
}

// BackendService names the backend service of a Service port, and its health check. The variant tells apart those that
// differ by more than that, such as by scheme or region.
func (n Namer) BackendService(namespace, service string, port int32, variant string) string {
	return n.name(hash(hashLength, "backend-service", namespace, service, itoa(port), variant), namespace, service, itoa(port))
}

// Default names a default backend service, which answers with a status of its own.
func (n Namer) Default(namespace string, status int, variant string) string {
	service := "gw-serve" + strconv.Itoa(status)
	return n.BackendService(namespace, service, 80, variant)
}

// Firewall names the firewall rule that lets probes through. The scope is "global" or a region.
func (n Namer) Firewall(network, scope string) string {
	return n.prefix + "-l7-" + network + "-" + scope
}

// Group names the NEG of a zone: ZONE/NAME, as names are unique in their zone only.
func Group(zone, name string) string { return zone + "/" + name }

// SplitGroup is the inverse of Group.
func SplitGroup(group string) (zone, name string) {
	zone, name, _ = strings.Cut(group, "/")
	return zone, name
}

// RouteExtension names the extension that routes the requests of a Gateway. The variant tells apart those of its ports, if they
// differ.
func (n Namer) RouteExtension(namespace, gateway, variant string) string {
	return n.name(hash(hashLength, "route-extension", namespace, gateway, variant), namespace, gateway)
}

// TrafficExtension is RouteExtension for what extends the traffic of a Gateway.
func (n Namer) TrafficExtension(namespace, gateway, variant string) string {
	return n.name(hash(hashLength, "traffic-extension", namespace, gateway, variant), namespace, gateway)
}

// WasmPlugin names a Wasm plugin.
func (n Namer) WasmPlugin(namespace, plugin string) string {
	return n.name(hash(hashLength, "wasm-plugin", namespace, plugin), namespace, plugin)
}

// WasmPluginVersion names a version of a Wasm plugin by all that it is made of: one that changes is another version.
func (n Namer) WasmPluginVersion(namespace, plugin, version string, content ...string) string {
	h := hash(hashLength, append([]string{"wasm-plugin-version", namespace, plugin, version}, content...)...)
	version = version[:min(len(version), maxLength-len(n.prefix)-len(h)-2)]
	return n.prefix + "-" + version + "-" + h
}

// GoogleAPI names what stands for a Google API.
func (n Namer) GoogleAPI(host, variant string) string {
	return n.name(hash(hashLength, "google-api", host, variant), "googleapi", strings.ReplaceAll(host, ".", "-"))
}

// PathMatcher names the rules of a set of hosts in a URL map.
func PathMatcher(hosts ...string) string { return "host" + hash(32, hosts...) }

// name joins the fields, which are trimmed evenly if the name would be too long. A third field, the port, stays whole.
func (n Namer) name(hash string, fields ...string) string {
	budget := maxLength - len(n.prefix) - len(hash) - len(fields) - 1
	for _, whole := range fields[2:] {
		budget -= len(whole)
	}
	first, second := trim(fields[0], fields[1], budget)
	return strings.Join(append([]string{n.prefix, first, second}, append(fields[2:], hash)...), "-")
}

// trim cuts the ends of two fields so that together they have at most budget characters: the longer one first, until
// both are equally long.
func trim(a, b string, budget int) (string, string) {
	excess := len(a) + len(b) - budget
	if excess <= 0 {
		return a, b
	}
	cutA, cutB := share(len(a), len(b), excess)
	return a[:len(a)-cutA], b[:len(b)-cutB]
}

// share splits the characters to cut between two lengths.
func share(a, b, excess int) (int, int) {
	if a < b {
		cutB, cutA := share(b, a, excess)
		return cutA, cutB
	}
	difference := min(a-b, excess)
	rest := excess - difference
	return difference + rest/2, rest - rest/2
}

// hash returns n base 36 digits of the hash of parts.
func hash(n int, parts ...string) string {
	return digest.Base36(strings.Join(parts, "\x00"), n)
}

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
