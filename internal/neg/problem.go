package neg

// Reason is a class of errors of a sync, as Google's metrics name it.
type Reason string

// The reasons. All but NegNotFound are about endpoints, and lead to degraded mode.
const (
	EPNodeMissing      Reason = "EPNodeMissing"
	EPNodeNotFound     Reason = "EPNodeNotFound"
	EPPodMissing       Reason = "EPPodMissing"
	EPPodNotFound      Reason = "EPPodNotFound"
	EPPodTerminal      Reason = "EPPodTerminal"
	EPIPInvalid        Reason = "EPIPInvalid"
	EPIPNotFromPod     Reason = "EPIPNotFromPod"
	EPIPOutOfPodCIDR   Reason = "EPIPOutOfPodCIDR"
	EPPodLabelMismatch Reason = "EPPodLabelMismatch"
	NegNotFound        Reason = "NegNotFound"
)

// Text is what events say.
func (r Reason) Text() string {
	switch r {
	case EPNodeMissing:
		return "endpoint has missing nodeName field"
	case EPNodeNotFound:
		return "endpoint corresponds to an non-existing node"
	case EPPodMissing:
		return "endpoint has missing pod field"
	case EPPodNotFound:
		return "endpoint corresponds to an non-existing pod"
	case EPPodTerminal:
		return "endpoint corresponds to a terminal pod"
	case EPIPInvalid:
		return "endpoint has an invalid IP address"
	case EPIPNotFromPod:
		return "endpoint has an IP that does not correspond to its pod"
	case EPIPOutOfPodCIDR:
		return "endpoint corresponds to a pod with IP out of PodCIDR range"
	case EPPodLabelMismatch:
		return "endpoint corresponds to a pod with labels not matching to its service"
	case NegNotFound:
		return "failed to get NEG for service"
	}
	return string(r)
}
