package extension_test

import (
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
)

// TestOnlyWhatIsReplacedIsSaidToStay: a broken edit leaves the last version in force, and what that one names is told as it is.
func TestOnlyWhatIsReplacedIsSaidToStay(t *testing.T) {
	const stays = "; the last version without this stays in force"
	w := newWorld(t, gatewayManifest, calloutManifest, trafficManifest)
	w.load("2.yaml", strings.Replace(trafficManifest, "request.path ==", "request.url_path ==", 1))
	if got := w.traffic("Accepted"); !strings.HasPrefix(got, "False InvalidCELExpression") || !strings.HasSuffix(got, stays) {
		t.Errorf("after a broken edit Accepted is %q", got)
	}
	w.load("1.yaml", "")
	if got := w.traffic("ResolvedRefs"); got != `False ExtensionServiceNotFound error cause: invalid-extension-service: service "callout" not found in namespace "store"` {
		t.Errorf("without its callout ResolvedRefs is %q", got)
	}
	if got := w.traffic("Accepted"); strings.Count(got, stays) != 1 {
		t.Errorf("Accepted is %q", got)
	}
	w.load("1.yaml", strings.Replace(calloutManifest, "HTTP2", "HTTP", 1))
	if got := w.traffic("Accepted"); !strings.Contains(got, stays+"; service store/callout in GCPTrafficExtension does not have port 443 with protocol HTTP2") {
		t.Errorf("with a callout that speaks HTTP Accepted is %q", got)
	}
}

// TestWhatCannotBeForwardedIsRefused, by name.
func TestWhatCannotBeForwardedIsRefused(t *testing.T) {
	w := newWorld(t, gatewayManifest, calloutManifest, strings.Replace(trafficManifest, "authority: a,", "authority: a, forwardAttributes: [source.ip, source.client_town],", 1))
	const want = `False Invalid spec.extensionChains[0].extensions[0]: forwardAttributes[1]: there is no attribute "source.client_town": there are connection.`
	if got := w.traffic("Accepted"); !strings.HasPrefix(got, want) {
		t.Errorf("Accepted is %q", got)
	}
}

// TestAConditionThatNeverHoldsIsAccepted with a word about it.
func TestAConditionThatNeverHoldsIsAccepted(t *testing.T) {
	w := newWorld(t, gatewayManifest, calloutManifest, strings.Replace(trafficManifest, `request.path == "/x"`, `response.code == 200`, 1))
	if got := w.traffic("Accepted"); !strings.HasPrefix(got, "True Accepted spec.extensionChains[0]: matchCondition.celExpressions[0].celMatcher: ") {
		t.Errorf("Accepted is %q", got)
	}
}

const pluginManifest = `
kind: GCPWasmPlugin
apiVersion: networking.gke.io/v1
metadata: {name: p, namespace: store}
spec: {versions: [{name: a, image: i, weight: 1}, {name: b, image: j, weight: 0}]}
`

// TestAVersionThatIsKeptIsNamed where a plugin says that another cannot run; a plugin that nothing names has a status, too.
func TestAVersionThatIsKeptIsNamed(t *testing.T) {
	w := newWorld(t, strings.Replace(gatewayManifest, "gke-l7-rilb", "gke-l7-global-external-managed", 1), pluginManifest)
	image := func(version, name, digest, problem string) {
		ref := store.Ref{Cluster: spillwayv1alpha1.DefaultClusterName, Kind: kind.GCPWasmPlugin, Namespace: "store", Name: "p"}
		w.fact(fact.ImageOf(fact.ImageRequest{Plugin: ref, Version: version, Image: name}), fact.Image{Digest: digest, Err: problem})
	}
	image("a", "i", "sha256:aa", "")
	if got := w.condition(kind.GCPWasmPlugin, "p", "Accepted"); got != "True Accepted no extension of a Gateway names it" {
		t.Errorf("unused, Accepted is %q", got)
	}
	w.load("2.yaml", strings.Replace(trafficManifest, "authority: a, backendRef: {name: callout, port: 443}",
		"backendRef: {group: networking.gke.io, kind: GCPWasmPlugin, name: p}", 1))
	if got := w.condition(kind.GCPWasmPlugin, "p", "Accepted"); got != "True Accepted" {
		t.Errorf("Accepted is %q", got)
	}
	image("b", "j", "", "not found")
	w.load("1.yaml", strings.NewReplacer("weight: 1", "weight: 0", "weight: 0", "weight: 1").Replace(pluginManifest))
	const want = `False ProgrammingFailed version "b": image j: not found; version "a", which ran before, goes on`
	if got := w.condition(kind.GCPWasmPlugin, "p", "Programmed"); got != want {
		t.Errorf("Programmed is %q, want %q", got, want)
	}
}

// TestWhatIsNotListedIsNotAttached: who is the oldest is not known before all have been read.
func TestWhatIsNotListedIsNotAttached(t *testing.T) {
	w := newWorld(t)
	pending := fact.Listed(spillwayv1alpha1.DefaultClusterName, kind.GCPTrafficExtension)
	w.fact(pending, false)
	for i, text := range []string{gatewayManifest, calloutManifest, trafficManifest} {
		w.load([]string{"0.yaml", "1.yaml", "2.yaml"}[i], text)
	}
	if got := w.traffic("Accepted"); got != "" {
		t.Errorf("before the list Accepted is %q", got)
	}
	w.fact(pending, true)
	if got := w.traffic("Accepted"); got != "True Accepted" {
		t.Errorf("Accepted is %q", got)
	}
}

// TestTheControllerOfAnEventIsThatOfTheGateway.
func TestTheControllerOfAnEventIsThatOfTheGateway(t *testing.T) {
	for class, want := range map[string]string{"gke-l7-rilb": "sc-gateway-controller", "gke-l7-rilb-mc": "mc-gateway-controller"} {
		w := newWorld(t, strings.Replace(gatewayManifest, "gke-l7-rilb", class, 1), calloutManifest, trafficManifest)
		n := 0
		for _, c := range w.writes {
			if e, ok := c.Value.(recompute.Event); ok && c.Ref.Kind == kind.GCPTrafficExtension {
				n++
				if e.Source != want {
					t.Errorf("%s: event %q is of %s", class, e.Message, e.Source)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s: no events", class)
		}
	}
}

// TestAGoogleAPIHasNoHealthCheck, so no Gateway names one.
func TestAGoogleAPIHasNoHealthCheck(t *testing.T) {
	w := newWorld(t, gatewayManifest, strings.Replace(trafficManifest, "authority: a, backendRef: {name: callout, port: 443}", "googleAPIServiceName: dlp.googleapis.com", 1))
	w.load("spillway.yaml", "apiVersion: spillway.dev/v1alpha1\nkind: Configuration\nmetadata: {name: default}\nspec: {googleAPIs: [{host: dlp.googleapis.com, address: '127.0.0.1:9'}]}\n")
	ref := store.Ref{Cluster: spillwayv1alpha1.DefaultClusterName, Kind: kind.Gateway, Namespace: "store", Name: "web"}
	annotations, _ := w.writes[ref.String()+" "+string(recompute.PartAnnotations)+" "].Value.(map[string]string)
	if services := annotations["networking.gke.io/backend-services"]; !strings.Contains(services, "googleapi") {
		t.Errorf("backend-services: %s", services)
	}
	if checks := annotations["networking.gke.io/health-checks"]; strings.Contains(checks, "googleapi") {
		t.Errorf("health-checks: %s", checks)
	}
}

// TestRegionsNeedADatabase: a condition on where clients are is accepted, and a Gateway without a database of places says that it
// cannot hold.
func TestRegionsNeedADatabase(t *testing.T) {
	w := newWorld(t, gatewayManifest, calloutManifest, strings.Replace(trafficManifest, `request.path == "/x"`, `source.client_region == "DE"`, 1))
	if got := w.traffic("Accepted"); !strings.HasPrefix(got, "True Accepted source.client_region: no Configuration names a database of places") {
		t.Errorf("Accepted is %q", got)
	}
	w.load("spillway.yaml", "apiVersion: spillway.dev/v1alpha1\nkind: Configuration\nmetadata: {name: default}\nspec: {frontends: [{geoDatabase: /places.mmdb}]}\n")
	if got := w.traffic("Accepted"); got != "True Accepted" {
		t.Errorf("with a database Accepted is %q", got)
	}
}

// TestWhatFailsRequestsIsNotProgrammed: the proxies' word on an extension, and none on another, shows with its cause and places.
func TestWhatFailsRequestsIsNotProgrammed(t *testing.T) {
	w := newWorld(t, gatewayManifest, calloutManifest, trafficManifest)
	name := ""
	for key := range w.resources {
		if of, rest, _ := strings.Cut(key, " "); of == "lb_traffic_extension" {
			name = rest
		}
	}
	f := fact.FailuresOf("lb_traffic_extension", name)
	say := func(extension string, places ...string) {
		var list fact.Failures
		for _, place := range places {
			list = append(list, fact.Failure{Location: place, Chain: "c", Extension: extension, Cause: "tls_certificate", Text: "expired"})
		}
		w.fact(f, list)
	}
	say("other", "a")
	if got := w.traffic("Programmed"); !strings.HasPrefix(got, "Unknown ") {
		t.Errorf("Programmed is %q", got)
	}
	say("e", "a", "b", "c", "d", "e")
	const want = `False ProgrammingFailed extension "e" of chain "c" fails its requests in a, b, c and 2 more: tls_certificate: expired`
	for _, c := range []string{"Programmed", "Reconciled"} {
		if got := w.traffic(c); strings.Replace(got, "ReconciliationFailed", "ProgrammingFailed", 1) != want {
			t.Errorf("%s is %q", c, got)
		}
	}
	clear(w.runs)
	say("e", "a", "b", "c", "d", "e")
	w.fact(fact.FailuresOf("lb_traffic_extension", "another"), fact.Failures{{Chain: "c", Extension: "e"}})
	if len(w.runs) > 0 {
		t.Errorf("what is no news had these run: %v", w.runs)
	}
	// Where nobody answers, requests fail for that.
	w.fact(fact.Outage(store.Ref{Cluster: spillwayv1alpha1.DefaultClusterName, Kind: kind.Service, Namespace: "store", Name: "callout"}, 443), "all away")
	if got := w.traffic("Programmed"); got != `False ProgrammingFailed no healthy endpoint for port 443 of service "callout": all away` {
		t.Errorf("Programmed is %q", got)
	}
	w.fact(fact.Outage(store.Ref{Cluster: spillwayv1alpha1.DefaultClusterName, Kind: kind.Service, Namespace: "store", Name: "callout"}, 443), nil)
	w.fact(f, nil)
	if got := w.traffic("Programmed"); !strings.HasPrefix(got, "Unknown ") {
		t.Errorf("Programmed is %q", got)
	}
}
