// Package imports holds the one rule of the layout: imports go one way. Its test reads the module's import graph.
package imports

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/spillway-lb/spillway/"

// forbidden maps a room (a package and those below it) to what it may not reach, even through others, and why.
var forbidden = []struct {
	room   string
	reach  []string
	reason string
}{
	{"internal/proxy", []string{"k8s.io/", "sigs.k8s.io/"}, "a data-plane-only build must not link Kubernetes"},
	{"internal/proxy/exchange", []string{module + "internal/proxy/downstream"}, "phases know the client by an interface"},
	{"internal/proxy/extension", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config"}, "filters know the engine by what it shows them"},
	{"internal/proxy/callout", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config", module + "internal/calloutserver"}, "a callout is a filter over calls"},
	{"internal/proxy/chains", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config"}, "chains are made of the model and run by whoever pins them"},
	{"internal/proxy/call", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream"}, "a call serves mirrors and callouts as well as exchanges"},
	{"internal/proxy/upstream", []string{module + "internal/proxy/call", module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config"}, "connections to backends know nothing of requests' phases"},
	{"internal/proxy/tunnel", []string{module + "internal/proxy/exchange", module + "internal/proxy/upstream", module + "internal/proxy/http1", module + "internal/proxy/http2", module + "internal/proxy/config"}, "a tunnel knows no protocol"},
	{"internal/wasm", []string{module, "k8s.io/", "sigs.k8s.io/"}, "the host of plugins knows its ABI and nothing of a proxy"},
	{"internal/health", []string{"k8s.io/", "sigs.k8s.io/"}, "a prober runs beside every proxy"},
	{"internal/location", []string{"k8s.io/", "sigs.k8s.io/"}, "a location is a data plane"},
	{"internal/dataplanes", []string{"k8s.io/", "sigs.k8s.io/"}, "data planes know the model only"},
	{"internal/subset", []string{"k8s.io/", "sigs.k8s.io/", module + "internal/controlplane", module + "internal/dataplanes"}, "a cut of the model knows the model only"},
	{"internal/controlplane", []string{
		module + "internal/manifests", module + "internal/standalone", module + "internal/dataplanes", module + "internal/control",
		module + "internal/view", module + "internal/serve", module + "internal/proxy/exchange",
	}, "the round loop has no ends of its own"},
	{"internal/view", []string{module + "internal/controlplane", module + "internal/dataplanes", module + "internal/manifests", module + "internal/serve"}, "a view changes nothing"},
	{"internal/fact", []string{module + "internal/recompute", module + "internal/proxy"}, "facts are types that both sides know"},
	{"internal/cel", []string{"k8s.io/", "sigs.k8s.io/", module}, "conditions are a language of their own, which the proxy links"},
	{"internal/oci", []string{"k8s.io/", "sigs.k8s.io/", module + "internal/proxy", module + "internal/controlplane", module + "internal/store"}, "images are fetched for control planes, data planes and authors"},
	{"internal/trouble", []string{module + "internal/manifests", module + "internal/serve", module + "internal/view", module + "internal/gateway", module + "internal/recompute"}, "what is told of an object is read from it"},
	{"internal/traffic", []string{"k8s.io/", "sigs.k8s.io/"}, "the allocator knows the model only"},
	{"api/lb/v1", []string{"k8s.io/", module + "internal/"}, "the model is a contract of its own"},
	{"internal/store", []string{module + "internal/"}, "the store knows no translator"},
	{"internal/digest", []string{module, "k8s.io/", "sigs.k8s.io/"}, "hashes are for everybody"},
	{"internal/kind", []string{module, "k8s.io/", "sigs.k8s.io/"}, "the table of kinds is for everybody"},
	{"internal/fact", []string{module + "internal/recompute", module + "internal/gateway", module + "internal/proxy"}, "facts are names and values"},
	{"internal/persist", []string{module + "internal/gateway", module + "internal/manifests", module + "internal/proxy", module + "internal/serve"}, "what is kept over a restart is whatever its caller gives"},
	{"internal/status", []string{module + "internal/gateway", module + "internal/manifests", module + "internal/proxy", module + "internal/serve"}, "the writer knows no translator and no end"},
	{"internal/recompute", []string{module + "internal/gateway", module + "internal/proxy"}, "recompute knows nothing of what is translated"},
	{"internal/gateway", []string{module + "internal/standalone", module + "internal/manifests", module + "internal/serve"}, "translators know no source of objects"},
	{"internal/backend", []string{module + "internal/gateway", module + "internal/standalone"}, "a backend knows nothing of who asks"},
	{"internal/frontend", []string{module + "internal/gateway", module + "internal/standalone"}, "a frontend knows nothing of who owns it"},
	{"internal/refgrant", []string{module + "internal/gateway", module + "internal/fleet"}, "a grant knows nothing of who refers"},
	{"internal/scope", []string{module + "internal/gateway"}, "a scope knows nothing of who stands in it"},
	{"internal/gateway", []string{module + "internal/extension"}, "a Gateway knows what extends it by names"},
	{"internal/extension", []string{module + "internal/standalone", module + "internal/manifests", module + "internal/serve"}, "translators know no source of objects"},
	{"internal/neg", []string{module + "internal/gateway", module + "internal/standalone"}, "translators know no source of objects"},
	{"internal/fleet", []string{module + "internal/gateway", module + "internal/standalone"}, "translators know no source of objects"},
}

func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		imports[fields[0]] = fields[1:]
	}
	for _, rule := range forbidden {
		for pkg := range imports {
			if pkg == module+rule.room || strings.HasPrefix(pkg, module+rule.room+"/") {
				if path := reaches(imports, pkg, rule.reach, map[string]bool{}); path != nil {
					t.Errorf("%s: %s", rule.reason, strings.Join(path, " -> "))
				}
			}
		}
	}
}

// reaches returns the shortest-found import path from pkg to a forbidden prefix, or nil.
func reaches(imports map[string][]string, pkg string, prefixes []string, seen map[string]bool) []string {
	seen[pkg] = true
	for _, next := range imports[pkg] {
		for _, prefix := range prefixes {
			if strings.HasPrefix(next, prefix) {
				return []string{pkg, next}
			}
		}
		if seen[next] {
			continue
		}
		if path := reaches(imports, next, prefixes, seen); path != nil {
			return append([]string{pkg}, path...)
		}
	}
	return nil
}
