package fields_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	networkingv1beta1 "github.com/spillway-lb/spillway/api/networking/v1beta1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/test/fields"
)

const module = "github.com/spillway-lb/spillway/"

// dataPlane is what serves by the model.
var dataPlane = []string{module + "internal/proxy/...", module + "internal/health/...", module + "internal/location/..."}

// controlPlane is what makes the model.
var controlPlane = []string{
	module + "internal/gateway/...", module + "internal/policy/...", module + "internal/neg/...", module + "internal/fleet/...",
	module + "internal/translate/...", module + "internal/traffic/...", module + "internal/backend/...", module + "internal/frontend/...",
	module + "internal/configuration/...", module + "internal/owner/...", module + "internal/refgrant/...", module + "internal/scope/...",
	module + "internal/extension/...", module + "internal/ingress/...",
}

// unread are the fields of the model that no data plane reads, and why.
var unread = map[string]string{
	"Owner":                "says for whom a resource was made: statuses and `spillway urls` read it",
	"ForwardingRule.Owner": "as above", "TargetProxy.Owner": "as above", "UrlMap.Owner": "as above", "RouteRule.Owner": "as above",
	"BackendService.Owner": "as above", "HealthCheck.Owner": "as above", "SslCertificate.Owner": "as above",
	"TrustConfig.Owner": "as above",

	"ForwardingRule.Description": "for people", "TargetProxy.Description": "for people", "UrlMap.Description": "for people",
	"BackendService.Description": "for people", "NetworkEndpointGroup.Description": "for people", "HealthCheck.Description": "for people",

	"ForwardingRule.Scheme":            "all schemes are served alike; `compute` shows it",
	"ForwardingRule.Region":            "its addresses say where it is served; `compute` shows it",
	"Vip.Name":                         "for `compute addresses`",
	"BackendService.Algorithm":         "the control plane makes the weights by it",
	"Backend.Preferred":                "the control plane makes the weights by it",
	"NetworkEndpointGroup.DefaultPort": "every endpoint has its port; `compute` shows it",
	"HealthCheck.PortName":             "a named port is the endpoint's serving port (compatibility.md)",
	"HealthCheck.Log":                  "probers write no log: metrics count verdicts (compatibility.md)",
	"EndpointHealth.Detail":            "for `get-health --details`",

	"LbExtension.Owner": "as above", "WasmPlugin.Owner": "as above", "WasmPluginVersion.Owner": "as above",
	"LbExtension.Description": "for people", "WasmPlugin.Description": "for people", "WasmPluginVersion.Description": "for people",
	"LbExtension.Scheme": "as a forwarding rule's", "LbExtension.Region": "as a forwarding rule's",
	"LbExtension.ForwardingRules": "for people", "Extension.GoogleApi": "for people",
	"WasmPluginVersion.Version": "for people: metrics and logs have the generated name",
}

// unwritten are the fields of the model that nothing of Kubernetes sets, and why: they are for models that somebody writes by
// hand, `spillway proxy --config`. The comments of lb.proto say the same.
var unwritten = map[string]string{
	"Resource.EndpointHealth": "what probers find out comes from data planes", "EndpointHealth": "what probers find out comes from data planes",
	"ResourceKey": "made by recompute", "Transaction": "made by recompute", "Model": "made by whoever serves",

	"TargetProxy.Upgrades": proxyOnly,
	"ValueMatch.Present":   proxyOnly, "SessionPersistence.IdleTimeout": proxyOnly, "SessionAffinity.Header": proxyOnly,
	"CircuitLimits.MaxPendingRequests": "refused: no request of a proxy waits in a queue",
}

const proxyOnly = "by `proxy --config` only"

// TestTheDataPlaneReadsTheModel wants every field to be read, and every reason to be needed.
func TestTheDataPlaneReadsTheModel(t *testing.T) {
	uses, err := fields.Of(module+"api/lb/v1", dataPlane...)
	if err != nil {
		t.Fatal(err)
	}
	checkAll(t, "no data plane reads", modelFields(), unread, uses.Read)
}

// TestTheControlPlaneWritesTheModel finds what no user of `spillway serve` can set.
func TestTheControlPlaneWritesTheModel(t *testing.T) {
	uses, err := fields.Of(module+"api/lb/v1", controlPlane...)
	if err != nil {
		t.Fatal(err)
	}
	checkAll(t, "nothing of Kubernetes sets", modelFields(), unwritten, uses.Written)
}

// unheeded are the fields of policies that nothing reads, and why.
var unheeded = map[string]string{
	"CustomMetric":        "a policy with customMetrics is refused as a whole",
	"CDNConfig.CacheMode": "a policy with cdn.enabled is refused as a whole",
	"IdentityAwareProxyConfig.Oauth2ClientSecret": "a policy with iap.enabled is refused as a whole",
	"IdentityAwareProxyConfig.ClientID":           "a policy with iap.enabled is refused as a whole",
	"Oauth2ClientSecret":                          "a policy with iap.enabled is refused as a whole",
}

// TestEveryFieldOfAPolicyIsHeeded wants translators to read all that a policy can say: to do it, or to refuse it in words.
func TestEveryFieldOfAPolicyIsHeeded(t *testing.T) {
	uses, err := fields.Of(module+"api/networking/v1", controlPlane...)
	if err != nil {
		t.Fatal(err)
	}
	var all []field
	for _, spec := range []any{
		networkingv1.HealthCheckPolicySpec{},
		networkingv1.GCPBackendPolicySpec{},
		networkingv1.GCPGatewayPolicySpec{},
		networkingv1.GCPTrafficDistributionPolicySpec{},
		networkingv1.ManagedCertificateSpec{},
	} {
		all = append(all, structFields(reflect.TypeOf(spec), map[reflect.Type]bool{})...)
	}
	checkAll(t, "nothing reads", all, unheeded, uses.Read)
}

// unheededIngress are the fields of BackendConfigs and FrontendConfigs that nothing reads, and why.
var unheededIngress = map[string]string{
	"CacheKeyPolicy.IncludeHost": "cdn is not done, which is told", "CacheKeyPolicy.IncludeProtocol": "as above", "CDNConfig.RequestCoalescing": "as above",
}

// TestEveryFieldOfABackendConfigIsHeeded is the same for what attaches to Ingresses.
func TestEveryFieldOfABackendConfigIsHeeded(t *testing.T) {
	seen := map[reflect.Type]bool{}
	all := append(structFields(reflect.TypeOf(cloudv1.BackendConfigSpec{}), seen),
		structFields(reflect.TypeOf(networkingv1beta1.FrontendConfigSpec{}), seen)...)
	read := map[string]bool{}
	for _, types := range []string{"api/cloud/v1", "api/networking/v1beta1"} {
		uses, err := fields.Of(module+types, controlPlane...)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(read, uses.Read)
	}
	checkAll(t, "nothing reads", all, unheededIngress, read)
}

// TestEveryFieldOfAConfigurationIsHeeded is the same for Configurations and Clusters.
func TestEveryFieldOfAConfigurationIsHeeded(t *testing.T) {
	uses, err := fields.Of(module+"api/spillway/v1alpha1", append([]string{
		module + "internal/manifests/...", module + "internal/standalone/...",
	}, controlPlane...)...)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	all := append(structFields(reflect.TypeOf(spillwayv1alpha1.ConfigurationSpec{}), seen),
		structFields(reflect.TypeOf(spillwayv1alpha1.ClusterSpec{}), seen)...)
	checkAll(t, "nothing reads", all, nil, uses.Read)
}

// unheededGateway are the fields of the Gateway API that nothing reads, and why.
var unheededGateway = map[string]string{
	"LocalParametersReference":     "a Gateway with parametersRef is refused as a whole",
	"ListenerEntry":                "they become Listeners, whose fields are read",
	"GatewayClassSpec.Description": "for people",
	"HTTPRouteFilter.ExternalAuth": "a filter of this type is refused", "HTTPExternalAuthFilter": "as above", "GRPCAuthConfig": "as above",
	"HTTPAuthConfig": "as above", "ForwardBodyConfig": "as above",
	"HTTPRouteFilter.ExtensionRef": "a filter of this type is refused",

	"GatewaySpec.DefaultScope":           gap,
	"CommonRouteSpec.UseDefaultGateways": gap,
	"GatewayClassSpec.ParametersRef":     gap, "ParametersReference": gap,
	"BackendTLSPolicySpec.Options": gap,
}

// gap is no reason: the field ought to be obeyed, or refused in words.
const gap = "ignored, which compatibility.md says"

// TestEveryFieldOfTheGatewayAPIIsHeeded is the same for Gateways and what attaches to them.
func TestEveryFieldOfTheGatewayAPIIsHeeded(t *testing.T) {
	uses, err := fields.Of("sigs.k8s.io/gateway-api/apis/v1", controlPlane...)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var all []field
	for _, spec := range []any{
		gatewayv1.GatewaySpec{},
		gatewayv1.GatewayClassSpec{},
		gatewayv1.HTTPRouteSpec{},
		gatewayv1.GRPCRouteSpec{},
		gatewayv1.BackendTLSPolicySpec{},
		gatewayv1.ListenerSetSpec{},
		gatewayv1.ReferenceGrantSpec{},
	} {
		all = append(all, structFields(reflect.TypeOf(spec), seen)...)
	}
	checkAll(t, "nothing reads", all, unheededGateway, uses.Read)
}

// field is one field, by the names under which code may use it.
type field struct {
	name  string
	forms []string
}

func checkAll(t *testing.T, complaint string, all []field, reasons map[string]string, used map[string]bool) {
	t.Helper()
	if len(all) < 20 {
		t.Fatalf("only %d fields", len(all))
	}
	known := map[string]bool{}
	for _, f := range all {
		known[f.name] = true
		is := slices.ContainsFunc(f.forms, func(form string) bool { return used[form] })
		message, _, _ := strings.Cut(f.name, ".")
		known[message] = true
		reason := reasons[f.name] + reasons[message]
		switch {
		case !is && reason == "":
			t.Errorf("%s %s: use it, delete it, or give a reason", complaint, f.name)
		case is && reasons[f.name] != "" && reason != gap:
			t.Errorf("%s is used: the reason against it is stale", f.name)
		}
	}
	for name := range reasons {
		if !known[name] {
			t.Errorf("there is no field %s", name)
		}
	}
}

// modelFields are those of every message of the model.
func modelFields() []field {
	var all []field
	messages := lbv1.File_api_lb_v1_lb_proto.Messages()
	for i := range messages.Len() {
		all = append(all, messageFields(messages.Get(i))...)
	}
	return all
}

func messageFields(m protoreflect.MessageDescriptor) []field {
	var all []field
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		name := goName(string(f.Name()))
		forms := []string{string(m.Name()) + "." + name}
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
			forms = append(forms, string(m.Name())+"_"+name, string(m.Name())+"_"+name+"."+name)
		}
		all = append(all, field{string(m.Name()) + "." + name, forms})
	}
	return all
}

// goName is the name that the generator gives a field.
func goName(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// structFields are those of a struct and of the structs in it that belong to the same package.
func structFields(t reflect.Type, seen map[reflect.Type]bool) []field {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] || !strings.HasPrefix(t.PkgPath(), module) && !strings.HasPrefix(t.PkgPath(), "sigs.k8s.io/gateway-api/") {
		return nil
	}
	seen[t] = true
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous {
			name := t.Name() + "." + f.Name
			all = append(all, field{name, []string{name}})
		}
		all = append(all, structFields(f.Type, seen)...)
	}
	return all
}
