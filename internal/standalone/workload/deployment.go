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

// reconcile brings the Deployment's Pods one step nearer to what it asks for.
func (c *Core) reconcile(d *deployment) {
	c.dropDeletedNodesPods(d)
	if hash := c.templateHash(d); d.current() == nil || d.current().hash != hash {
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
		return
	}
	rs := d.replicaSets[i]
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
				if c.available(d, p, rolling) {
					n.newAvailable++
				}
			default:
				n.old++
				if c.serving(d, p) {
					n.oldAvailable++
				}
			}
		}
	}
	return n
}

// available tells whether a Pod has been ready for long enough. In a rollout a new Pod has to be found healthy, too, and
// to be ready for as long as probers need to look at it, before an old one goes.
func (c *Core) available(d *deployment, p *pod, rolling bool) bool {
	if !p.ready() {
		return false
	}
	wait := time.Duration(d.object.Spec.MinReadySeconds) * time.Second
	if rolling {
		wait += c.config.Settle
	}
	if at := p.readySince.Add(wait); c.now.Before(at) {
		c.lookAgain(p, at)
		return false
	}
	if rolling && c.sick(p) {
		c.lookAgain(p, c.now.Add(verdictPeriod))
		if !p.blamed {
			p.blamed = true
			c.event(d.ref, "Warning", "RolloutWaiting", "Pod "+p.ref.Name+" is ready, but the load balancer's health check "+
				"does not find it healthy at any location; the old Pods stay until it is", deploymentController)
		}
		return false
	}
	return true
}

// serving tells whether an old Pod may be answering requests now.
func (c *Core) serving(d *deployment, p *pod) bool { return c.available(d, p, false) && !c.sick(p) }

// sick tells whether probers look at a Pod and do not find it healthy.
func (c *Core) sick(p *pod) bool {
	healthy, probed := c.healthy()[p.ip()]
	return probed && !healthy
}

// lookAgain has the Pod's Deployment looked at again at a time.
func (c *Core) lookAgain(p *pod, at time.Time) {
	if p.availableAt.IsZero() || at.Before(p.availableAt) || !c.now.Before(p.availableAt) {
		p.availableAt = at
	}
	c.waiting[p] = struct{}{}
}

// scaleOld deletes n Pods of old ReplicaSets, first those that serve nobody, of the oldest first.
func (c *Core) scaleOld(d *deployment, n int) {
	for _, serving := range []bool{false, true} {
		for _, rs := range d.replicaSets[:len(d.replicaSets)-1] {
			have := rs.staying()
			drop := 0
			for _, p := range have {
				if n > drop && c.serving(d, p) == serving {
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

// scale makes the ReplicaSet have so many Pods that stay.
func (c *Core) scale(d *deployment, rs *replicaSet, target int) {
	if rs.target != target {
		verb := "up"
		if target < rs.target {
			verb = "down"
		}
		c.event(d.ref, "Normal", "ScalingReplicaSet",
			fmt.Sprintf("Scaled %s replica set %s from %d to %d", verb, rs.ref.Name, rs.target, target), deploymentController)
		rs.target = target
	}
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

// deleteDeployment lets go of everything that the Deployment owns.
func (c *Core) deleteDeployment(d *deployment) {
	for _, rs := range d.replicaSets {
		for _, p := range rs.staying() {
			c.deletePod(p)
		}
		c.unwrite(rs.ref, recompute.PartObject, recompute.PartStatus)
	}
	c.unwrite(d.ref, recompute.PartStatus, recompute.PartAnnotations)
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
		c.write(rs.ref, recompute.PartStatus, c.replicaSetStatus(d, rs))
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
			if c.available(d, p, false) {
				s.AvailableReplicas++
			}
		}
	}
	roll := rolloutOf(d.object.Spec)
	s.UnavailableReplicas = max(0, int32(roll.desired)-s.AvailableReplicas)
	minimum := int(s.AvailableReplicas) >= roll.desired-roll.maxUnavailable
	complete := int(s.UpdatedReplicas) == roll.desired && s.Replicas == s.UpdatedReplicas &&
		s.AvailableReplicas == s.UpdatedReplicas
	d.conditions = []appsv1.DeploymentCondition{
		c.deploymentCondition(d, availableCondition(minimum)),
		c.deploymentCondition(d, progressCondition(d.current().ref.Name, complete)),
	}
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

func progressCondition(replicaSet string, complete bool) appsv1.DeploymentCondition {
	if complete {
		return appsv1.DeploymentCondition{
			Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable",
			Message: fmt.Sprintf("ReplicaSet %q has successfully progressed.", replicaSet),
		}
	}
	return appsv1.DeploymentCondition{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated",
		Message: fmt.Sprintf("ReplicaSet %q is progressing.", replicaSet),
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
