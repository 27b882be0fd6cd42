package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

// addGates gives a Pod the readiness gates that admission adds, after those that it names itself.
func (c *Core) addGates(p *pod) {
	if c.config.Gates == nil {
		return
	}
	object := *p.object
	object.Spec.ReadinessGates = slices.Clone(object.Spec.ReadinessGates)
	for _, gate := range c.config.Gates(c.snapshot, p.ref.Cluster, p.object) {
		if !slices.Contains(object.Spec.ReadinessGates, gate) {
			object.Spec.ReadinessGates = append(object.Spec.ReadinessGates, gate)
		}
	}
	p.object = &object
}

// observeGates looks whether others have said something new of a Pod's gates.
func (c *Core) observeGates(ref store.Ref) {
	p := c.byRef[ref]
	if p == nil || len(p.object.Spec.ReadinessGates) == 0 {
		return
	}
	if c.settleReady(p) {
		c.mark(p)
	}
}

// gateTrouble says which readiness gates of a Pod are not open, in the kubelet's words; "" if all are.
func (c *Core) gateTrouble(p *pod) string {
	if len(p.object.Spec.ReadinessGates) == 0 {
		return ""
	}
	said := c.said(p.ref)
	var texts []string
	for _, gate := range p.object.Spec.ReadinessGates {
		i := slices.IndexFunc(said, func(x corev1.PodCondition) bool { return x.Type == gate.ConditionType })
		switch {
		case i < 0:
			texts = append(texts, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case said[i].Status != corev1.ConditionTrue:
			texts = append(texts, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, said[i].Status))
		}
	}
	return strings.Join(texts, ", ")
}

// said are the conditions that a Pod has in the store, those of others among them.
func (c *Core) said(ref store.Ref) []corev1.PodCondition {
	e := c.snapshot.Get(ref)
	if e == nil {
		return nil
	}
	own := &corev1.PodStatus{}
	if object, ok := e.Object.(*corev1.Pod); ok {
		own = &object.Status
	}
	return store.LatestStatus(e.Written, own).Conditions
}
