package gateway

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	conditions "github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/recompute"
)

const reasonUnhealthy = "NoHealthyEndpoint"

// health is the condition, if there is one.
func (s *routeStatus) health() []metav1.Condition {
	text, ok := recompute.Fact[string](s.view, fact.OutageOf(s.route.ref))
	if !ok || text == "" {
		return nil
	}
	return []metav1.Condition{condition(s.route.generation, conditions.Healthy, false, reasonUnhealthy, text)}
}
