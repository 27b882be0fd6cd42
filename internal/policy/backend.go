package policy

import (
	"strconv"

	"google.golang.org/protobuf/types/known/durationpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Backend returns what a GCPBackendPolicy says of a target; nil without one, or if it is not attached.
func Backend(v *recompute.View, t Target) *networkingv1.GCPBackendPolicyConfig {
	_, p, ok := winner[*networkingv1.GCPBackendPolicy](v, kind.GCPBackendPolicy, t)
	if !ok || refusedSetting(t.Kind, p.Spec.Default) != "" {
		return nil
	}
	return p.Spec.Default
}

// maxSampleRate is a sample rate of 1.
const maxSampleRate = 1_000_000

// SetBackend applies a policy to a backend service. The capacity of its backends is SetCapacity's.
func SetBackend(service *lbv1.BackendService, c *networkingv1.GCPBackendPolicyConfig) {
	if c == nil {
		return
	}
	if c.TimeoutSec != nil {
		service.Timeout = seconds(*c.TimeoutSec)
	}
	if c.ConnectionDraining != nil && c.ConnectionDraining.DrainingTimeoutSec != nil {
		service.DrainingTimeout = seconds(*c.ConnectionDraining.DrainingTimeoutSec)
	}
	if l := c.Logging; l != nil {
		service.Logging = logging(l)
	}
	if a := c.SessionAffinity; a != nil {
		service.SessionAffinity = affinity(a, service.GetRegion() == "")
	}
}

func logging(l *networkingv1.LoggingConfig) *lbv1.Logging {
	out := &lbv1.Logging{
		Enabled: or(l.Enabled, false), SampleRate: float64(or(l.SampleRate, maxSampleRate)) / maxSampleRate,
	}
	switch or(l.OptionalMode, "") {
	case "INCLUDE_ALL_OPTIONAL":
		out.OptionalFields = []string{"*"}
	case "CUSTOM":
		for _, f := range l.OptionalFields {
			out.OptionalFields = append(out.OptionalFields, string(f))
		}
	}
	return out
}

func affinity(a *networkingv1.SessionAffinityConfig, global bool) *lbv1.SessionAffinity {
	out := &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_Type(lbv1.SessionAffinity_Type_value[or(a.Type, "NONE")])}
	if out.GetType() == lbv1.SessionAffinity_GENERATED_COOKIE {
		out.CookieName, out.CookiePath = "GCLB", "/"
		if !global {
			out.CookieName = "GCILB"
		}
		out.CookieTtl = durationpb.New(0)
	}
	if a.CookieTTLSec != nil {
		out.CookieTtl = seconds(*a.CookieTTLSec)
	}
	return out
}

// Annotations of a Service by which a cluster says what its endpoints carry.
const (
	annotationMaxRate = "networking.gke.io/max-rate-per-endpoint"
	annotationScaler  = "networking.gke.io/capacity-scaler"
)

// Place is where a backend is.
type Place struct {
	Cluster, Region, Zone string
}

// SetCapacity says what a backend can take. The policies come in order of weight: that of the cluster's own export first,
// which is about this cluster alone, then the import's (or Service's); the annotations of its Service count where neither
// speaks. Each setting comes from the first of a policy's scopes that selects the place and has it.
func SetCapacity(b *lbv1.Backend, at Place, annotations map[string]string, policies ...*networkingv1.GCPBackendPolicyConfig) {
	if rate, err := strconv.ParseFloat(annotations[annotationMaxRate], 64); err == nil && rate > 0 {
		b.MaxRatePerEndpoint = rate
	}
	if scaler, err := strconv.ParseFloat(annotations[annotationScaler], 64); err == nil && scaler >= 0 && scaler <= 1 {
		b.CapacityScaler = &scaler
	}
	for i := len(policies) - 1; i >= 0; i-- {
		c := policies[i]
		if c == nil {
			continue
		}
		setCapacity(b, &c.BackendCapacity)
		for j := len(c.Scopes) - 1; j >= 0; j-- {
			if selects(c.Scopes[j].Selector, at) {
				setCapacity(b, &c.Scopes[j].BackendCapacity)
			}
		}
	}
}

func setCapacity(b *lbv1.Backend, c *networkingv1.BackendCapacity) {
	if c.MaxRatePerEndpoint != nil {
		b.MaxRatePerEndpoint = float64(*c.MaxRatePerEndpoint)
	}
	if c.CapacityScalerPercent != nil {
		scaler := float64(*c.CapacityScalerPercent) / 100
		b.CapacityScaler = &scaler
	}
	if c.BackendPreference != nil {
		b.Preferred = *c.BackendPreference == networkingv1.BackendPreferencePreferred
	}
}

// selects tells whether a scope's selector is true of a place; an empty one is true of all.
func selects(selector map[string]string, at Place) bool {
	of := map[string]string{"gke.io/cluster-name": at.Cluster, "gke.io/region": at.Region, "gke.io/zone": at.Zone}
	for key, value := range selector {
		if of[key] != value {
			return false
		}
	}
	return true
}

func translateBackendPolicy(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok := recompute.Get[*networkingv1.GCPBackendPolicy](v, ref)
	if !ok {
		return recompute.Result{}
	}
	o := judge[*networkingv1.GCPBackendPolicy](v, ref, p.Spec.TargetRef, kind.GCPBackendPolicy, Service, ServiceImport, ServiceExport)
	kind := kindOf(p.Spec.TargetRef.Group, p.Spec.TargetRef.Kind)
	if problem := refusedSetting(kind, p.Spec.Default); o.ok && problem != "" {
		o = invalid(problem + "; nothing of the policy is applied")
	}
	if t, ok := targetOf(ref, p.Spec.TargetRef); ok {
		o = o.inForce(v, t)
	}
	o.note(notShared(p.Spec.Default))
	status := &networkingv1.GCPBackendPolicyStatus{Conditions: []metav1.Condition{o.condition(p.Generation)}}
	return recompute.Result{State: recompute.Present, Writes: o.writes(v, ref, p, status)}
}

func backendTargets(ref store.Ref, o store.Object) []Target {
	p, ok := o.(*networkingv1.GCPBackendPolicy)
	if !ok {
		return nil
	}
	return oneTarget(ref, p.Spec.TargetRef)
}
