package compute

import (
	api "google.golang.org/api/networkservices/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// hasPolicy says whether Google would need a service load balancing policy for what a backend service says.
func hasPolicy(s *lbv1.BackendService) bool {
	return s.GetAlgorithm() != lbv1.ServiceLbAlgorithm_SERVICE_LB_ALGORITHM_UNSPECIFIED || s.GetFailoverThreshold() != 0
}

// serviceLBPolicies shows how a backend service spreads requests over its backends, under the backend service's name.
func serviceLBPolicies(v *View, r *lbv1.Resource) []Resource {
	s := r.GetBackendService()
	if !hasPolicy(s) {
		return nil
	}
	return v.inLocation(r, s.GetRegion(), "serviceLbPolicies", r.GetName(), s.GetOwner(), func(head Resource) shown {
		policy := &api.ServiceLbPolicy{Name: head.Path, CreateTime: head.createTime()}
		if s.GetAlgorithm() != lbv1.ServiceLbAlgorithm_SERVICE_LB_ALGORITHM_UNSPECIFIED {
			policy.LoadBalancingAlgorithm = s.GetAlgorithm().String()
		}
		if t := s.GetFailoverThreshold(); t != 0 {
			policy.FailoverConfig = &api.ServiceLbPolicyFailoverConfig{FailoverHealthThreshold: int64(t)}
		}
		return shown{body: policy}
	})
}
