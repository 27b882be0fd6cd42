package policy

import (
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
)

func ptr[T any](v T) *T { return &v }

func config(rate, percent *int64, scopes ...networkingv1.BackendScope) *networkingv1.GCPBackendPolicyConfig {
	c := &networkingv1.GCPBackendPolicyConfig{Scopes: scopes}
	c.MaxRatePerEndpoint, c.CapacityScalerPercent = rate, percent
	return c
}

func TestCapacity(t *testing.T) {
	west := Place{Cluster: "gke-west-1", Region: "us-west1", Zone: "us-west1-a"}
	scope := networkingv1.BackendScope{Selector: map[string]string{"gke.io/region": "us-west1"}}
	scope.CapacityScalerPercent = ptr(int64(25))
	elsewhere := networkingv1.BackendScope{Selector: map[string]string{"gke.io/cluster-name": "gke-east-1"}}
	elsewhere.CapacityScalerPercent = ptr(int64(75))
	zone := networkingv1.BackendScope{Selector: map[string]string{"gke.io/zone": "us-west1-a"}}
	zone.CapacityScalerPercent = ptr(int64(90))
	annotations := map[string]string{annotationMaxRate: "7.5", annotationScaler: "0.5"}
	for _, c := range []struct {
		name        string
		annotations map[string]string
		policies    []*networkingv1.GCPBackendPolicyConfig
		rate        float64
		scaler      *float64
	}{
		{name: "nothing", policies: []*networkingv1.GCPBackendPolicyConfig{nil, nil}},
		{name: "annotations", annotations: annotations, rate: 7.5, scaler: ptr(0.5)},
		{name: "bad annotations", annotations: map[string]string{annotationMaxRate: "-1", annotationScaler: "1.5"}},
		{
			name: "a policy beats annotations", annotations: annotations,
			policies: []*networkingv1.GCPBackendPolicyConfig{config(ptr(int64(20)), nil)}, rate: 20, scaler: ptr(0.5),
		},
		{
			name:     "the import's policy beats the export's",
			policies: []*networkingv1.GCPBackendPolicyConfig{config(ptr(int64(20)), nil), config(ptr(int64(30)), ptr(int64(0)))},
			rate:     20, scaler: ptr(0.0),
		},
		{
			name:     "the first scope that selects the place",
			policies: []*networkingv1.GCPBackendPolicyConfig{config(ptr(int64(20)), nil, elsewhere, scope, zone)}, rate: 20, scaler: ptr(0.25),
		},
	} {
		b := &lbv1.Backend{}
		SetCapacity(b, west, c.annotations, c.policies...)
		same := (b.CapacityScaler == nil) == (c.scaler == nil) && (c.scaler == nil || b.GetCapacityScaler() == *c.scaler)
		if b.GetMaxRatePerEndpoint() != c.rate || !same {
			t.Errorf("%s: %v", c.name, b)
		}
	}
}

func TestSelects(t *testing.T) {
	at := Place{Cluster: "c", Region: "r", Zone: "z"}
	for _, c := range []struct {
		selector map[string]string
		want     bool
	}{
		{nil, true},
		{map[string]string{"gke.io/zone": "z", "gke.io/region": "r", "gke.io/cluster-name": "c"}, true},
		{map[string]string{"gke.io/zone": "z", "gke.io/region": "other"}, false},
		{map[string]string{"example.com/team": "a"}, false},
	} {
		if got := selects(c.selector, at); got != c.want {
			t.Errorf("%v selects %v: %v", c.selector, at, got)
		}
	}
}

func TestRefusedSettings(t *testing.T) {
	inFlight := &networkingv1.GCPBackendPolicyConfig{}
	inFlight.BalancingMode = ptr(networkingv1.BalancingModeInFlight)
	scoped := &networkingv1.GCPBackendPolicyConfig{Scopes: []networkingv1.BackendScope{{BackendCapacity: inFlight.BackendCapacity}}}
	long := &networkingv1.GCPBackendPolicyConfig{}
	long.TrafficDuration = ptr(networkingv1.TrafficDurationLong)
	for _, c := range []struct {
		kind, want string
		config     *networkingv1.GCPBackendPolicyConfig
	}{
		{Service, "", nil},
		{Service, "", &networkingv1.GCPBackendPolicyConfig{TimeoutSec: ptr(int64(5))}},
		{ServiceExport, "timeoutSec is one of", &networkingv1.GCPBackendPolicyConfig{TimeoutSec: ptr(int64(5))}},
		{ServiceExport, "logging is one of", &networkingv1.GCPBackendPolicyConfig{Logging: &networkingv1.LoggingConfig{}}},
		{ServiceExport, "", config(ptr(int64(20)), ptr(int64(50)))},
		{Service, "securityPolicy is not", &networkingv1.GCPBackendPolicyConfig{SecurityPolicy: ptr("armor")}},
		{Service, "iap is not", &networkingv1.GCPBackendPolicyConfig{IAP: &networkingv1.IdentityAwareProxyConfig{Enabled: ptr(true)}}},
		{Service, "", &networkingv1.GCPBackendPolicyConfig{IAP: &networkingv1.IdentityAwareProxyConfig{Enabled: ptr(false)}}},
		{Service, "cdn is not", &networkingv1.GCPBackendPolicyConfig{CDN: &networkingv1.CDNConfig{Enabled: ptr(true)}}},
		{Service, "cookieTtlSec needs", &networkingv1.GCPBackendPolicyConfig{
			SessionAffinity: &networkingv1.SessionAffinityConfig{CookieTTLSec: ptr(int64(5)), Type: ptr("CLIENT_IP")},
		}},
		{Service, "sessionAffinity of type HEADER_FIELD", &networkingv1.GCPBackendPolicyConfig{
			SessionAffinity: &networkingv1.SessionAffinityConfig{Type: ptr("HEADER_FIELD")},
		}},
		{ServiceImport, "balancingMode IN_FLIGHT is not", scoped},
		{Service, "trafficDuration LONG is not", long},
	} {
		got := refusedSetting(c.kind, c.config)
		if !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s %v: %q, want %q", c.kind, c.config, got, c.want)
		}
	}
}
