package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Kubernetes' defaults.
const (
	defaultPeriod  = 10 * time.Second
	defaultFailure = 3
)

// verdict is what the outcomes of a probe come to. It knows no clock: whoever probes counts.
type verdict struct {
	good                       bool
	failures, successes        int
	failureLimit, successLimit int
}

// change is what an outcome changes.
type change uint8

const (
	same change = iota
	passes
	fails
)

func newVerdict(spec *corev1.Probe, good bool) verdict {
	v := verdict{good: good, failureLimit: defaultFailure, successLimit: 1}
	if spec.FailureThreshold > 0 {
		v.failureLimit = int(spec.FailureThreshold)
	}
	if spec.SuccessThreshold > 0 {
		v.successLimit = int(spec.SuccessThreshold)
	}
	return v
}

// take takes an outcome. So many failures in a row are told once, also of what was never good.
func (v *verdict) take(success bool) change {
	if success {
		v.failures, v.successes = 0, v.successes+1
	} else {
		v.failures, v.successes = v.failures+1, 0
	}
	switch {
	case !v.good && v.successes >= v.successLimit:
		v.good = true
		return passes
	case v.failures == v.failureLimit:
		v.good = false
		return fails
	}
	return same
}

func period(spec *corev1.Probe) time.Duration {
	if spec.PeriodSeconds > 0 {
		return time.Duration(spec.PeriodSeconds) * time.Second
	}
	return defaultPeriod
}
