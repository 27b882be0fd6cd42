package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// defaultHistory is how many old ReplicaSets stay.
const defaultHistory = 10

// verdictPeriod is how often a rollout that waits for a Pod's health asks for it.
const verdictPeriod = 200 * time.Millisecond

const deploymentController = "deployment-controller"

// deployment is a Deployment and what became of it.
type deployment struct {
	ref    store.Ref
	object *appsv1.Deployment
	// replicaSets are ordered by revision; the last one is that of the current template, once it is there.
	replicaSets []*replicaSet
	conditions  []appsv1.DeploymentCondition
	progress    progress
}

func (d *deployment) name() store.Ref   { return d.ref }
func (d *deployment) source() string    { return deploymentController }
func (d *deployment) minReady() int32   { return d.object.Spec.MinReadySeconds }
func (d *deployment) stale(p *pod) bool { return d.current() != nil && d.current().hash != p.hash }

func (d *deployment) take(o store.Object) {
	if object, ok := o.(*appsv1.Deployment); ok {
		d.object = object
	}
}

func (d *deployment) all() []*pod {
	var all []*pod
	for _, rs := range d.replicaSets {
		all = append(all, rs.pods...)
	}
	return all
}

func (d *deployment) drop(p *pod) {
	for _, rs := range d.replicaSets {
		rs.pods = slices.DeleteFunc(rs.pods, func(x *pod) bool { return x == p })
	}
}

// current returns the ReplicaSet of the template as it is now, or nil.
func (d *deployment) current() *replicaSet {
	if len(d.replicaSets) == 0 {
		return nil
	}
	return d.replicaSets[len(d.replicaSets)-1]
}

// hasOldPods tells whether a rollout is under way.
func (d *deployment) hasOldPods() bool {
	return slices.ContainsFunc(d.replicaSets, func(rs *replicaSet) bool { return rs != d.current() && len(rs.staying()) > 0 })
}

func (d *deployment) reconcile(c *Core) {
	c.dropDeletedNodesPods(d)
	if hash := c.templateHash(&d.object.Spec.Template); d.current() == nil || d.current().hash != hash {
		if !d.object.Spec.Paused || d.current() == nil {
			c.turnTo(d, hash)
		}
	}
	roll := rolloutOf(d.object.Spec)
	now := d.current()
	n := c.count(d)
	newTarget := roll.newTarget(n)
	if d.object.Spec.Paused && n.old > 0 {
		newTarget = n.new
	}
	c.scale(d, now, newTarget)
	if n.old > 0 && !d.object.Spec.Paused {
		c.scaleOld(d, n.old-roll.oldTarget(n, newTarget))
	}
	c.dropHistory(d)
	c.emitDeployment(d)
}

// turnTo makes the ReplicaSet of a template hash the current one: an old one of that hash, or a new one.
func (c *Core) turnTo(d *deployment, hash string) {
	revision := 1
	if rs := d.current(); rs != nil {
		revision = rs.revision + 1
	}
	i := slices.IndexFunc(d.replicaSets, func(rs *replicaSet) bool { return rs.hash == hash })
	if i < 0 {
		d.replicaSets = append(d.replicaSets, c.newReplicaSet(d, hash, revision))
		d.progress.begin("NewReplicaSetCreated", fmt.Sprintf("Created new replica set %q", d.current().ref.Name), c.now)
		return
	}
	rs := d.replicaSets[i]
	d.progress.begin("FoundNewReplicaSet", fmt.Sprintf("Found new replica set %q", rs.ref.Name), c.now)
	rs.revision = revision
	d.replicaSets = append(slices.Delete(d.replicaSets, i, i+1), rs)
}

// count counts the Pods that are to stay, and how many of them are available.
func (c *Core) count(d *deployment) counts {
	var n counts
	rolling := d.hasOldPods()
	for _, rs := range d.replicaSets {
		for _, p := range rs.pods {
			switch {
			case p.deleting && rs != d.current():
				n.leaving++
			case p.deleting:
			case rs == d.current():
				n.new++
				if c.available(p, d.minReady(), rolling) {
					n.newAvailable++
				}
			default:
				n.old++
				if c.serving(p, d.minReady()) {
					n.oldAvailable++
				}
			}
		}
	}
	return n
}

// scaleOld deletes n Pods of old ReplicaSets, first those that serve nobody, of the oldest first.
func (c *Core) scaleOld(d *deployment, n int) {
	for _, serving := range []bool{false, true} {
		for _, rs := range d.replicaSets[:len(d.replicaSets)-1] {
			have := rs.staying()
			drop := 0
			for _, p := range have {
				if n > drop && c.serving(p, d.minReady()) == serving {
					drop++
				}
			}
			if drop > 0 {
				c.scale(d, rs, len(have)-drop)
				n -= drop
			}
		}
	}
}

// scale makes the Deployment's ReplicaSet have so many Pods that stay.
func (c *Core) scale(d *deployment, rs *replicaSet, target int) {
	if rs.target != target {
		verb := "up"
		if target < rs.target {
			verb = "down"
		}
		c.event(d.ref, "Normal", "ScalingReplicaSet",
			fmt.Sprintf("Scaled %s replica set %s from %d to %d", verb, rs.ref.Name, rs.target, target), deploymentController)
	}
	c.populate(rs, target)
}

// populate makes a ReplicaSet have so many Pods that stay.
func (c *Core) populate(rs *replicaSet, target int) {
	rs.target = target
	have := rs.staying()
	switch {
	case len(have) < target && rs.uid != "": // before that the ReplicaSet is not in the store yet
		c.createPods(rs, target-len(have))
	case len(have) > target:
		for _, p := range c.victims(rs, len(have)-target) {
			c.event(rs.ref, "Normal", "SuccessfulDelete", "Deleted pod: "+p.ref.Name, replicaSetController)
			c.deletePod(p)
		}
	}
}

// victims chooses Pods to delete: those that are not ready, then those on the fullest Node, then the newest.
func (c *Core) victims(rs *replicaSet, n int) []*pod {
	var chosen []*pod
	have := rs.staying()
	for range n {
		perNode := map[string]int{}
		for _, p := range have {
			perNode[p.node]++
		}
		i := 0
		for j, p := range have {
			a, b := p, have[i]
			if cmp.Or(order(!a.ready(), !b.ready()), cmp.Compare(perNode[a.node], perNode[b.node]),
				a.created.Compare(b.created), cmp.Compare(a.slot, b.slot)) > 0 {
				i = j
			}
		}
		chosen = append(chosen, have[i])
		have = slices.Delete(have, i, i+1)
	}
	return chosen
}

// order puts true after false.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (d *deployment) release(c *Core) {
	for _, rs := range d.replicaSets {
		for _, p := range rs.staying() {
			c.deletePod(p)
		}
		c.unwrite(rs.ref, recompute.PartObject, recompute.PartStatus)
	}
	c.unwrite(d.ref, recompute.PartStatus, recompute.PartAnnotations)
	delete(c.progresses, d)
}

// dropHistory forgets the oldest ReplicaSets that have no Pods, beyond the limit.
func (c *Core) dropHistory(d *deployment) {
	limit := defaultHistory
	if l := d.object.Spec.RevisionHistoryLimit; l != nil {
		limit = int(*l)
	}
	empty := 0
	for i := len(d.replicaSets) - 2; i >= 0; i-- {
		rs := d.replicaSets[i]
		if len(rs.pods) > 0 {
			continue
		}
		empty++
		if empty > limit {
			c.unwrite(rs.ref, recompute.PartObject, recompute.PartStatus)
			d.replicaSets = slices.Delete(d.replicaSets, i, i+1)
		}
	}
}

// emitDeployment writes the statuses of the Deployment and its ReplicaSets.
func (c *Core) emitDeployment(d *deployment) {
	for _, rs := range d.replicaSets {
		c.write(rs.ref, recompute.PartObject, rs.object(d))
		c.write(rs.ref, recompute.PartStatus, c.replicaSetStatus(rs, d.minReady()))
	}
	c.write(d.ref, recompute.PartAnnotations,
		map[string]string{"deployment.kubernetes.io/revision": strconv.Itoa(d.current().revision)})
	c.write(d.ref, recompute.PartStatus, c.deploymentStatus(d))
}

func (c *Core) deploymentStatus(d *deployment) *appsv1.DeploymentStatus {
	s := &appsv1.DeploymentStatus{ObservedGeneration: d.object.Generation}
	for _, rs := range d.replicaSets {
		for _, p := range rs.staying() {
			s.Replicas++
			if rs == d.current() {
				s.UpdatedReplicas++
			}
			if p.ready() {
				s.ReadyReplicas++
			}
			if c.available(p, d.minReady(), false) {
				s.AvailableReplicas++
			}
		}
	}
	roll := rolloutOf(d.object.Spec)
	s.UnavailableReplicas = max(s.Replicas, int32(roll.desired)) - s.AvailableReplicas // surge counts, as in the deployment controller
	minimum := int(s.AvailableReplicas) >= roll.desired-roll.maxUnavailable
	complete := int(s.UpdatedReplicas) == roll.desired && s.Replicas == s.UpdatedReplicas &&
		s.AvailableReplicas == s.UpdatedReplicas
	d.progress.see(s, complete, d.current().ref.Name, c.now)
	conditions := []appsv1.DeploymentCondition{c.deploymentCondition(d, availableCondition(minimum))}
	if progressing, ok := c.progressing(d); ok {
		conditions = append(conditions, c.deploymentCondition(d, progressing))
	}
	d.conditions = conditions
	s.Conditions = d.conditions
	return s
}

func availableCondition(minimum bool) appsv1.DeploymentCondition {
	if minimum {
		return appsv1.DeploymentCondition{
			Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable",
			Message: "Deployment has minimum availability.",
		}
	}
	return appsv1.DeploymentCondition{
		Type: appsv1.DeploymentAvailable, Status: corev1.ConditionFalse, Reason: "MinimumReplicasUnavailable",
		Message: "Deployment does not have minimum availability.",
	}
}

// deploymentCondition dates a condition: the last update is when anything about it changed.
func (c *Core) deploymentCondition(d *deployment, next appsv1.DeploymentCondition) appsv1.DeploymentCondition {
	for _, old := range d.conditions {
		if old.Type == next.Type && old.Status == next.Status && old.Reason == next.Reason && old.Message == next.Message {
			return old
		}
	}
	next.LastUpdateTime = c.timestamp()
	return next
}
