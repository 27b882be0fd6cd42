package translate_test

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/store"
)

// extension is a routing or a traffic extension of one of the Gateways, with callouts and plugins that are there or not.
func (e edits) extension(t *rapid.T) store.Object {
	spec := networkingv1.ExtensionSpec{TargetRefs: []networkingv1.LocalPolicyTargetReference{{
		Group: "gateway.networking.k8s.io", Kind: "Gateway", Name: pick(t, "gateway", "web", "web", "none"),
	}}}
	for i := range rapid.IntRange(1, 2).Draw(t, "chains") {
		chain := networkingv1.ExtensionChain{Name: []string{"a", "b"}[i]}
		match := networkingv1.CELExpression{CELMatcher: pick(t, "cel", "true", "request.path == '/a'", "response.code == 200")}
		if e.breaks(t) {
			match.CELMatcher = "no such thing"
		}
		if rapid.Bool().Draw(t, "chosen") {
			port := int32(80)
			match.BackendRefs = []networkingv1.ExtensionServiceReference{{Kind: "Service", Name: pick(t, "chosen", "s0", "s1"), Port: &port}}
		}
		chain.MatchCondition = &networkingv1.MatchCondition{CELExpressions: []networkingv1.CELExpression{match}}
		chain.Extensions = append(chain.Extensions, randomExtension(t))
		spec.ExtensionChains = append(spec.ExtensionChains, chain)
	}
	object := meta("store", pick(t, "extension", "x0", "x1"))
	object.CreationTimestamp = metav1.NewTime(time.Unix(int64(rapid.IntRange(0, 2).Draw(t, "created")), 0))
	if rapid.Bool().Draw(t, "routing") {
		return &networkingv1.GCPRoutingExtension{TypeMeta: typeMeta("GCPRoutingExtension"), ObjectMeta: object, Spec: spec}
	}
	return &networkingv1.GCPTrafficExtension{TypeMeta: typeMeta("GCPTrafficExtension"), ObjectMeta: object, Spec: spec}
}

func randomExtension(t *rapid.T) networkingv1.Extension {
	e := networkingv1.Extension{Name: "e", FailOpen: ptr(rapid.Bool().Draw(t, "failOpen"))}
	switch pick(t, "runs", "service", "service", "import", "plugin", "api") {
	case "service":
		e.BackendRef = &networkingv1.ExtensionServiceReference{Kind: "Service", Name: pick(t, "callout", "s0", "s1", "s2"), Port: ptr(pick[int32](t, "port", 80, 81))}
	case "import":
		e.BackendRef = &networkingv1.ExtensionServiceReference{Group: "net.gke.io", Kind: "ServiceImport", Name: "s0", Port: ptr[int32](80)}
	case "plugin":
		e.BackendRef = &networkingv1.ExtensionServiceReference{Group: "networking.gke.io", Kind: "GCPWasmPlugin", Name: "p0"}
		return e
	case "api":
		e.GoogleAPIServiceName = ptr("dlp.googleapis.com")
		return e
	}
	e.Authority = ptr("a.test")
	if rapid.IntRange(0, 2).Draw(t, "by rule") == 0 {
		e.Metadata = map[string]networkingv1.MetadataValue{"rule": "{forwarding_rule_id}"}
	}
	return e
}

// randomConfiguration puts something in the place of a Google API, also what cannot be called. It belongs to no cluster.
func randomConfiguration(t *rapid.T) store.Object {
	c := &spillwayv1alpha1.Configuration{
		TypeMeta: metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Configuration"}, ObjectMeta: meta("", "default"),
	}
	api := spillwayv1alpha1.GoogleAPI{Host: "dlp.googleapis.com", Address: pick(t, "at", "127.0.0.1:9", "127.0.0.1:0")}
	if rapid.Bool().Draw(t, "tls") {
		api.TLS = &spillwayv1alpha1.GoogleAPITLS{CACertificates: pick(t, "ca", "", "no PEM")}
	}
	c.Spec.GoogleAPIs = []spillwayv1alpha1.GoogleAPI{api}
	if rapid.Bool().Draw(t, "settings") {
		c.Spec.Extensions = &spillwayv1alpha1.ExtensionSettings{Merge: rapid.Bool().Draw(t, "merge"), WasmEverywhere: rapid.Bool().Draw(t, "everywhere")}
	}
	return c
}

// randomPlugin has images that nobody has looked at.
func randomPlugin(t *rapid.T) store.Object {
	p := &networkingv1.GCPWasmPlugin{TypeMeta: typeMeta("GCPWasmPlugin"), ObjectMeta: meta("store", "p0")}
	for _, name := range []string{"a", "b"} {
		p.Spec.Versions = append(p.Spec.Versions, networkingv1.WasmPluginVersion{Name: name, Image: "i", Weight: pick(t, "weight", int32(0), int32(1))})
	}
	return p
}
