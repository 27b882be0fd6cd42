package policy

import (
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// row is one kind of policy. A kind is one row of rows and one file, which has what applies of it to a target, and the
// translator that makes its status. The unit that makes a status goes by the kind's name.
type row struct {
	// kind is as in store.Ref.
	kind string
	// targets are what a policy of the kind names; references that can name nothing are left out.
	targets func(ref store.Ref, o store.Object) []Target
	// status translates one policy to its status and events.
	status recompute.Translator
}

func rows(check GatewayCheck) []row {
	return []row{
		{kind.HealthCheckPolicy, healthCheckTargets, translateHealthCheckPolicy},
		{kind.GCPBackendPolicy, backendTargets, translateBackendPolicy},
		{kind.GCPGatewayPolicy, gatewayTargets, gatewayPolicies{check}.translate},
		{kind.BackendTLSPolicy, backendTLSTargets, translateBackendTLSPolicy},
		{kind.GCPTrafficDistributionPolicy, distributionTargets, translateDistributionPolicy},
	}
}

// index files the policies of a kind under their targets.
func index(kind string) string { return "policy." + kind }

// Indexes returns the store indexes that the package reads.
func Indexes() []store.Index {
	var all []store.Index
	for _, r := range rows(nil) {
		all = append(all, store.Index{Name: index(r.kind), Kind: r.kind, Keys: func(ref store.Ref, o store.Object) []string {
			var keys []string
			for _, t := range r.targets(ref, o) {
				keys = append(keys, t.key())
			}
			return keys
		}})
	}
	return all
}

// Units returns the translators of this package by unit kind: the statuses of policies.
func Units(check GatewayCheck) map[string]recompute.Translator {
	all := map[string]recompute.Translator{}
	for _, r := range rows(check) {
		all[r.kind] = whole(r)
	}
	return all
}

// whole holds the statuses of a kind while its list is on its way: which policy applies depends on all of them.
func whole(r row) recompute.Translator {
	return func(v *recompute.View, key string) recompute.Result {
		if ref, _ := store.ParseRef(key); fact.Pending(v, ref.Cluster, r.kind) {
			return recompute.Result{State: recompute.Held}
		}
		return r.status(v, key)
	}
}

// Pending says whether policies of backends are on their way in a cluster. Until then whoever asks which of them apply holds.
func Pending(v *recompute.View, cluster string) bool {
	return fact.Pending(v, cluster, kind.HealthCheckPolicy, kind.GCPBackendPolicy, kind.BackendTLSPolicy, kind.GCPTrafficDistributionPolicy,
		kind.BackendConfig)
}

// Roots makes a unit of each policy.
func Roots() []recompute.Root {
	var all []recompute.Root
	for _, r := range rows(nil) {
		all = append(all, recompute.Root{Kind: r.kind, Unit: r.kind})
	}
	return all
}
