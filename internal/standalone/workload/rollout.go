package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// rollout is the arithmetic of a Deployment: how many Pods the new ReplicaSet should have and how many of the old ones
// may go.
type rollout struct {
	desired        int
	maxSurge       int
	maxUnavailable int
	recreate       bool
}

// counts are Pods that are not on their way out.
type counts struct {
	new, newAvailable int
	old, oldAvailable int
	// leaving are old Pods on their way out; only Recreate waits for them.
	leaving int
}

func rolloutOf(spec appsv1.DeploymentSpec) rollout {
	r := rollout{desired: 1}
	if spec.Replicas != nil {
		r.desired = int(*spec.Replicas)
	}
	if spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		r.recreate = true
		return r
	}
	surge, unavailable := intstr.FromString("25%"), intstr.FromString("25%")
	if u := spec.Strategy.RollingUpdate; u != nil {
		if u.MaxSurge != nil {
			surge = *u.MaxSurge
		}
		if u.MaxUnavailable != nil {
			unavailable = *u.MaxUnavailable
		}
	}
	// A value that does not parse counts as 0; the API server refuses it.
	r.maxSurge, _ = intstr.GetScaledValueFromIntOrPercent(&surge, r.desired, true)
	r.maxUnavailable, _ = intstr.GetScaledValueFromIntOrPercent(&unavailable, r.desired, false)
	if r.maxSurge <= 0 && r.maxUnavailable <= 0 {
		r.maxUnavailable = 1
	}
	return r
}

// newTarget is how many Pods the new ReplicaSet should have now.
func (r rollout) newTarget(n counts) int {
	switch {
	case n.new >= r.desired || n.old == 0 && !r.recreate:
		return r.desired
	case r.recreate:
		if n.old+n.leaving > 0 {
			return n.new
		}
		return r.desired
	}
	room := r.desired + r.maxSurge - n.new - n.old
	return n.new + max(0, min(room, r.desired-n.new))
}

// oldTarget is how many old Pods may stay, given how many new ones there will be. Those that are not available go
// first, and for nothing: they carry no traffic.
func (r rollout) oldTarget(n counts, newTarget int) int {
	if r.recreate {
		return 0
	}
	minAvailable := r.desired - r.maxUnavailable
	// What is not available of the new Pods may be missing already.
	spare := n.old + newTarget - minAvailable - (newTarget - n.newAvailable)
	if spare <= 0 {
		return n.old
	}
	unhealthy := min(spare, n.old-n.oldAvailable)
	healthy := max(0, min(n.oldAvailable, n.oldAvailable+n.newAvailable-minAvailable))
	return n.old - min(n.old, min(spare, unhealthy+healthy))
}
