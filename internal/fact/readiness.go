package fact

import "github.com/spillway-lb/spillway/internal/store"

// KindReadiness is of facts about readiness gates of Pods.
const KindReadiness = "readiness"

// Readiness is what a load balancer makes of a Pod's readiness gate: the condition that whoever keeps the Pod's status shows.
type Readiness struct {
	// Ready: the condition is True. Else its status is left empty, and it waits.
	Ready           bool
	Reason, Message string
}

// ReadinessOf names the readiness of a Pod. There is none for a Pod without the gate.
func ReadinessOf(pod store.Ref) store.Fact { return store.Fact{Kind: KindReadiness, Key: pod.String()} }
