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
	{"internal/proxy/passive", []string{module, "k8s.io/", "sigs.k8s.io/"}, "whether something works is told by whoever uses it"},
	{"internal/proxy/callout", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config", module + "internal/calloutserver"}, "a callout is a filter over calls"},
	{"internal/proxy/chains", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config"}, "chains are made of the model and run by whoever pins them"},
	{"internal/proxy/outbound", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/plugin", module + "internal/proxy/chains"}, "calls of plugins know neither exchanges nor what runs plugins"},
	{"internal/proxy/call", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream"}, "a call serves mirrors and callouts as well as exchanges"},
	{"internal/proxy/upstream", []string{module + "internal/proxy/call", module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config"}, "connections to backends know nothing of requests' phases"},
	{"internal/proxy/tunnel", []string{module + "internal/proxy/exchange", module + "internal/proxy/upstream", module + "internal/proxy/http1", module + "internal/proxy/http2", module + "internal/proxy/config"}, "a tunnel knows no protocol"},
	{"internal/wasm", []string{module + "api/", module + "internal/proxy", module + "internal/oci", module + "internal/serve", "k8s.io/", "sigs.k8s.io/"}, "the host of plugins knows its ABI and nothing of a proxy"},
	{"internal/health", []string{"k8s.io/", "sigs.k8s.io/"}, "a prober runs beside every proxy"},
	{"internal/grpchealth", []string{"k8s.io/", "sigs.k8s.io/", module}, "a protocol knows nobody who speaks it"},
	{"internal/location", []string{"k8s.io/", "sigs.k8s.io/"}, "a location is a data plane"},
	{"internal/dataplanes", []string{"k8s.io/", "sigs.k8s.io/"}, "data planes know the model only"},
	{"internal/ads", []string{module + "internal/controlplane", module + "internal/dataplanes", module + "internal/serve", module + "internal/proxy/exchange"}, "the wire knows neither end"},
	{"internal/ads/wire", []string{"k8s.io/", "sigs.k8s.io/"}, "a data-plane-only build must not link Kubernetes"},
	{"internal/ads/client", []string{"k8s.io/", "sigs.k8s.io/"}, "a data-plane-only build must not link Kubernetes"},
	{"internal/ads/credentials", []string{"k8s.io/", "sigs.k8s.io/", module}, "both ends use it"},
	{"internal/membership", []string{module + "internal/serve", module + "internal/controlplane"}, "members are found, whoever watches them"},
	{"internal/wholefile", []string{module, "k8s.io/", "sigs.k8s.io/"}, "whoever keeps a file uses it"},
	{"internal/place", []string{module}, "flags of several commands are read by it"},
	{"internal/subset", []string{"k8s.io/", "sigs.k8s.io/", module + "internal/controlplane", module + "internal/dataplanes"}, "a cut of the model knows the model only"},
	{"internal/controlplane", []string{
		module + "internal/manifests", module + "internal/standalone", module + "internal/dataplanes", module + "internal/control",
		module + "internal/view", module + "internal/serve", module + "internal/proxy/exchange",
	}, "the round loop has no ends of its own"},
	{"internal/view", []string{module + "internal/controlplane", module + "internal/dataplanes", module + "internal/manifests", module + "internal/serve"}, "a view changes nothing"},
	{"internal/explain", []string{"k8s.io/", "sigs.k8s.io/", module + "internal/control", module + "internal/serve"}, "an explanation is of a model and a request"},
	{"internal/fact", []string{module + "internal/recompute", module + "internal/proxy"}, "facts are types that both sides know"},
	{"internal/cel", []string{"k8s.io/", "sigs.k8s.io/", module}, "conditions are a language of their own, which the proxy links"},
	{"internal/oci", []string{"k8s.io/", "sigs.k8s.io/", module + "internal/proxy", module + "internal/controlplane", module + "internal/store"}, "images are fetched for control planes, data planes and authors"},
	{"internal/trouble", []string{module + "internal/manifests", module + "internal/serve", module + "internal/view", module + "internal/gateway", module + "internal/recompute"}, "what is told of an object is read from it"},
	{"internal/traffic", []string{"k8s.io/", "sigs.k8s.io/"}, "the allocator knows the model only"},
	{"api/lb/v1", []string{"k8s.io/", module + "internal/"}, "the model is a contract of its own"},
	{"internal/cluster", []string{module + "internal/gateway", module + "internal/proxy", module + "internal/serve", module + "internal/standalone", module + "internal/controlplane"}, "API servers know nothing of what becomes of their objects"},
	{"internal/store", []string{module + "internal/"}, "the store knows no translator"},
	{"internal/address", []string{module + "internal/gateway", module + "internal/standalone", "k8s.io/"}, "the plan of addresses is for everybody"},
	{"internal/names", []string{module + "internal/gateway", module + "internal/neg", "k8s.io/"}, "names follow from texts alone"},
	{"internal/unitkey", []string{module, "k8s.io/", "sigs.k8s.io/"}, "a codec knows nothing of what it carries"},
	{"internal/shard", []string{module, "k8s.io/", "sigs.k8s.io/"}, "parts are made of anything"},
	{"internal/guard", []string{module, "k8s.io/", "sigs.k8s.io/"}, "whoever starts a goroutine uses it"},
	{"internal/descriptors", []string{module, "k8s.io/", "sigs.k8s.io/"}, "whoever opens a descriptor asks it"},
	{"internal/memory", []string{module, "k8s.io/", "sigs.k8s.io/"}, "the budget is the process's, not a part's"},
	{"internal/outage", []string{module + "internal/proxy", module + "internal/gateway"}, "what is away is told, whoever misses it"},
	{"internal/owner", []string{module + "internal/gateway", module + "internal/proxy"}, "an owner is a name"},
	{"internal/calloutrecord", []string{module + "internal/proxy", module + "internal/gateway", module + "internal/serve", "k8s.io/"}, "recorded messages are a proxy's and a callout's, whoever they are"},
	{"internal/calloutserver", []string{module + "internal/gateway", module + "internal/proxy/exchange", module + "internal/serve"}, "a callout's server is no part of the proxy"},
	{"internal/condition", []string{module + "internal/gateway", module + "internal/manifests", module + "internal/proxy", module + "internal/serve"}, "conditions are read the same way by all that print them"},
	{"internal/configuration", []string{module + "internal/manifests", module + "internal/standalone", module + "internal/serve"}, "translators know no source of objects"},
	{"internal/policy", []string{module + "internal/gateway", module + "internal/standalone", module + "internal/manifests"}, "a policy knows nothing of who applies it"},
	{"internal/translate", []string{module + "internal/manifests", module + "internal/standalone", module + "internal/serve"}, "the units know neither source nor end"},
	{"internal/admission", []string{module + "internal/serve", module + "internal/dataplanes", module + "internal/controlplane", module + "internal/lab"}, "who asks about an object is told by whoever serves"},
	{"internal/validate", []string{module + "internal/serve", module + "internal/dataplanes", module + "internal/location"}, "a check serves nothing"},
	{"internal/compute", []string{"k8s.io/", "sigs.k8s.io/", module + "internal/proxy/exchange"}, "gcloud's view knows the model only"},
	{"internal/gcloud", []string{"k8s.io/", module + "internal/gateway", module + "internal/proxy"}, "flags and formats know no resource"},
	{"internal/printer", []string{module + "internal/gateway", module + "internal/proxy", module + "internal/serve"}, "kubectl's view knows objects only"},
	{"internal/computeapi", []string{module + "internal/gateway", module + "internal/proxy", module + "internal/serve", module + "internal/view"}, "an API shows what its source says"},
	{"internal/googlejson", []string{module}, "Google's structs are written whatever they are for"},
	{"internal/computeclient", []string{"k8s.io/", module + "internal/control", module + "internal/gateway", module + "internal/proxy"}, "a client knows the API only"},
	{"internal/control", []string{module + "internal/gateway", module + "internal/proxy", module + "internal/serve", module + "internal/view"}, "the socket knows its own API only"},
	{"internal/admin", []string{"k8s.io/", "sigs.k8s.io/", module + "internal/serve"}, "metrics are served for data planes alone, too"},
	{"internal/crds", []string{module + "internal/"}, "the CRDs are texts"},
	{"internal/manifests", []string{module + "internal/gateway", module + "internal/proxy", module + "internal/serve", module + "internal/standalone"}, "files know nothing of what becomes of their objects"},
	{"internal/standalone", []string{module + "internal/gateway", module + "internal/serve", module + "internal/manifests", module + "internal/dataplanes"}, "stand-in controllers know objects only"},
	{"internal/image", []string{module + "internal/gateway", module + "internal/proxy", module + "internal/serve"}, "images are a fact of the store"},
	{"internal/proxy/linger", []string{module + "internal/proxy/http1", module + "internal/proxy/http2", module + "internal/proxy/exchange", module + "internal/proxy/downstream"}, "how a connection ends is no protocol's"},
	{"internal/proxy/field", []string{module + "internal/proxy/http1", module + "internal/proxy/http2", module + "internal/proxy/config"}, "the grammar is for everybody"},
	{"internal/proxy/requestpath", []string{module + "internal/proxy/exchange", module + "internal/proxy/config", module + "internal/proxy/urlmap"}, "a reading of a path knows no rule"},
	{"internal/proxy/refusal", []string{module, "k8s.io/"}, "whoever compiles refuses by it"},
	{"internal/proxy/urlmap", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config"}, "rules know nothing of who asks"},
	{"internal/proxy/filter", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config", module + "internal/proxy/urlmap"}, "what is done to a request knows no rule"},
	{"internal/proxy/balance", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config", module + "internal/proxy/upstream"}, "a choice opens no connection"},
	{"internal/proxy/variable", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/config", module + "internal/proxy/geo", module + "internal/proxy/proxytls"}, "variables are names and forms, whoever fills them in"},
	{"internal/proxy/geo", []string{module, "k8s.io/", "sigs.k8s.io/"}, "where an address is, is no matter of requests"},
	{"internal/proxy/transport", []string{module + "internal/proxy/exchange", module + "internal/proxy/http1", module + "internal/proxy/http2", module + "internal/proxy/config"}, "bytes know no protocol"},
	{"internal/proxy/http1", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/upstream", module + "internal/proxy/config"}, "a codec knows neither side"},
	{"internal/proxy/http2", []string{module + "internal/proxy/exchange", module + "internal/proxy/downstream", module + "internal/proxy/upstream", module + "internal/proxy/config"}, "a codec knows neither side"},
	{"internal/grpccode", []string{module, "k8s.io/", "sigs.k8s.io/"}, "names of codes are for everybody"},
	{"internal/digest", []string{module, "k8s.io/", "sigs.k8s.io/"}, "hashes are for everybody"},
	{"internal/kind", []string{module, "k8s.io/", "sigs.k8s.io/"}, "the table of kinds is for everybody"},
	{"internal/fact", []string{module + "internal/recompute", module + "internal/gateway", module + "internal/proxy"}, "facts are names and values"},
	{"internal/finalizer", []string{module + "internal/gateway", module + "internal/status", module + "internal/proxy"}, "how long an object stays is decided the same way for every kind"},
	{"internal/persist", []string{module + "internal/gateway", module + "internal/manifests", module + "internal/proxy", module + "internal/serve"}, "what is kept over a restart is whatever its caller gives"},
	{"internal/leader", []string{module}, "who leads knows nothing of what is led"},
	{"internal/outbox", []string{module + "internal/gateway", module + "internal/manifests", module + "internal/proxy", module + "internal/serve", module + "internal/standalone", module + "internal/controlplane"}, "what is written is what the store says"},
	{"internal/status", []string{module + "internal/gateway", module + "internal/manifests", module + "internal/proxy", module + "internal/serve"}, "the writer knows no translator and no end"},
	{"internal/recompute", []string{module + "internal/gateway", module + "internal/proxy"}, "recompute knows nothing of what is translated"},
	{"internal/gateway", []string{module + "internal/standalone", module + "internal/manifests", module + "internal/serve"}, "translators know no source of objects"},
	{"internal/backend", []string{module + "internal/gateway", module + "internal/ingress", module + "internal/standalone"}, "a backend knows nothing of who asks"},
	{"internal/frontend", []string{module + "internal/gateway", module + "internal/ingress", module + "internal/standalone"}, "a frontend knows nothing of who owns it"},
	{"internal/refgrant", []string{module + "internal/gateway", module + "internal/fleet"}, "a grant knows nothing of who refers"},
	{"internal/scope", []string{module + "internal/gateway"}, "a scope knows nothing of who stands in it"},
	{"internal/gateway", []string{module + "internal/extension"}, "a Gateway knows what extends it by names"},
	{"internal/extension", []string{module + "internal/standalone", module + "internal/manifests", module + "internal/serve"}, "translators know no source of objects"},
	{"internal/ingress", []string{module + "internal/gateway", module + "internal/standalone", module + "internal/manifests", module + "internal/serve"}, "an Ingress knows nothing of Gateways, nor of who reads it from where"},
	{"internal/neg", []string{module + "internal/gateway", module + "internal/standalone"}, "translators know no source of objects"},
	{"internal/lab", []string{module + "internal/gateway", module + "internal/serve", module + "internal/controlplane", module + "internal/dataplanes", module + "internal/translate"}, "a lab is clusters; what balances their loads is a program in it"},
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
	for pkg := range imports {
		if room, own := strings.CutPrefix(pkg, module); own && !hasRule(room) {
			t.Errorf("%s has no rule: say in this file what it may not reach, and why", room)
		}
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

// ends are the programs and what wires them: they may reach everything.
var ends = []string{"cmd/", "internal/serve", "test/", "tools/", "api/", "examples/"}

// hasRule tells whether a rule names the room, or one around it.
func hasRule(room string) bool {
	for _, end := range ends {
		if strings.HasPrefix(room, end) {
			return true
		}
	}
	for _, rule := range forbidden {
		if room == rule.room || strings.HasPrefix(room, rule.room+"/") {
			return true
		}
	}
	return false
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
