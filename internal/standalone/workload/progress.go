package workload

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// defaultDeadline is progressDeadlineSeconds where a Deployment names none.
const defaultDeadline = 10 * time.Minute

// progress is how far a Deployment's rollout has come, and when it last came further.
type progress struct {
	counts          appsv1.DeploymentStatus
	at              time.Time
	complete        bool
	reason, message string
}

// begin starts a rollout to another template.
func (p *progress) begin(reason, message string, now time.Time) {
	p.at, p.complete, p.reason, p.message = now, false, reason, message
}

// see takes a Deployment's counts. A Deployment that was complete for its template is not on its way again if it is scaled,
// or loses a Pod.
func (p *progress) see(s *appsv1.DeploymentStatus, complete bool, replicaSet string, now time.Time) {
	was := p.counts
	p.counts = *s
	further := s.UpdatedReplicas > was.UpdatedReplicas || s.Replicas-s.UpdatedReplicas < was.Replicas-was.UpdatedReplicas ||
		s.ReadyReplicas > was.ReadyReplicas || s.AvailableReplicas > was.AvailableReplicas
	switch {
	case p.complete:
	case complete:
		p.complete = true
		p.reason, p.message = "NewReplicaSetAvailable", fmt.Sprintf("ReplicaSet %q has successfully progressed.", replicaSet)
	case further:
		p.at, p.reason, p.message = now, "ReplicaSetUpdated", fmt.Sprintf("ReplicaSet %q is progressing.", replicaSet)
	}
}

// progressing is the condition; there is none without a deadline. It has the Deployment looked at again when that is over.
func (c *Core) progressing(d *deployment) (condition appsv1.DeploymentCondition, ok bool) {
	delete(c.progresses, d)
	condition = appsv1.DeploymentCondition{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: d.progress.reason, Message: d.progress.message,
	}
	switch deadline := d.deadline(); {
	case d.object.Spec.ProgressDeadlineSeconds != nil && *d.object.Spec.ProgressDeadlineSeconds == noDeadline:
		return condition, false
	case d.object.Spec.Paused:
		condition.Status, condition.Reason, condition.Message = corev1.ConditionUnknown, "DeploymentPaused", "Deployment is paused"
	case deadline.IsZero():
	case c.now.Before(deadline):
		c.progresses[d] = struct{}{}
	default:
		condition.Status, condition.Reason = corev1.ConditionFalse, "ProgressDeadlineExceeded"
		condition.Message = fmt.Sprintf("ReplicaSet %q has timed out progressing.", d.current().ref.Name)
	}
	return condition, true
}

// noDeadline is the progressDeadlineSeconds that stands for none.
const noDeadline = 1<<31 - 1

// deadline is when a rollout that does not come further counts as stuck; the zero time is never.
func (d *deployment) deadline() time.Time {
	if d.progress.complete || d.object.Spec.Paused {
		return time.Time{}
	}
	if s := d.object.Spec.ProgressDeadlineSeconds; s != nil {
		return d.progress.at.Add(time.Duration(*s) * time.Second)
	}
	return d.progress.at.Add(defaultDeadline)
}
