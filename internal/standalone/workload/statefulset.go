package workload

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const statefulSetController = "statefulset-controller"

// statefulSet is a StatefulSet: Pods with ordinals, made, replaced and ended in order.
type statefulSet struct {
	ref    store.Ref
	object *appsv1.StatefulSet
	pods   []*pod
	// current is the template that Pods below the partition are made of; the update is the object's.
	current, update revision
}

// revision is a template and what it is called.
type revision struct {
	hash     string
	template corev1.PodTemplateSpec
}

func (s *statefulSet) name() store.Ref   { return s.ref }
func (s *statefulSet) source() string    { return statefulSetController }
func (s *statefulSet) all() []*pod       { return s.pods }
func (s *statefulSet) stale(p *pod) bool { return p.hash != s.update.hash && p.hash != s.current.hash }

func (s *statefulSet) take(o store.Object) {
	if object, ok := o.(*appsv1.StatefulSet); ok {
		s.object = object
	}
}

func (s *statefulSet) drop(p *pod) {
	s.pods = slices.DeleteFunc(s.pods, func(x *pod) bool { return x == p })
}

func (s *statefulSet) release(c *Core) {
	for _, p := range staying(s.pods) {
		c.deletePod(p)
	}
	c.unwrite(s.ref, recompute.PartStatus)
}

// ordered tells whether each Pod waits for those before it.
func (s *statefulSet) ordered() bool {
	return s.object.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
}

// ordinals are the first one and the one after the last.
func (s *statefulSet) ordinals() (first, end int) {
	if o := s.object.Spec.Ordinals; o != nil {
		first = int(o.Start)
	}
	return first, first + int(wanted(s.object.Spec.Replicas))
}

// partition is the ordinal below which Pods keep the current template.
func (s *statefulSet) partition() int {
	if u := s.object.Spec.UpdateStrategy.RollingUpdate; u != nil && u.Partition != nil {
		return int(*u.Partition)
	}
	return 0
}

func (s *statefulSet) reconcile(c *Core) {
	c.dropDeletedNodesPods(s)
	s.update = revision{c.templateHash(&s.object.Spec.Template), s.object.Spec.Template}
	if s.current.hash == "" {
		s.current = s.update
	}
	if s.fill(c) && s.shrink(c) {
		s.roll(c)
	}
	s.promote()
	c.write(s.ref, recompute.PartStatus, s.status(c))
}

// at is the Pod of an ordinal, on its way out or not; nil if there is none.
func (s *statefulSet) at(ordinal int) *pod {
	for _, p := range s.pods {
		if p.slot == ordinal {
			return p
		}
	}
	return nil
}

// fill makes the Pods that are missing; it returns false while one has to be waited for before anything else may be done.
func (s *statefulSet) fill(c *Core) bool {
	first, end := s.ordinals()
	for ordinal := first; ordinal < end; ordinal++ {
		p := s.at(ordinal)
		switch {
		case p == nil:
			s.create(c, ordinal)
		case p.deleting, s.available(c, p):
		case s.ordered() && s.hopeless(p):
			// Kubernetes waits until somebody deletes it.
			s.remove(c, p)
		}
		if s.ordered() && !s.serves(c, ordinal) {
			return false
		}
	}
	return true
}

func (s *statefulSet) serves(c *Core, ordinal int) bool {
	p := s.at(ordinal)
	return p != nil && !p.deleting && s.available(c, p)
}

// available tells whether a Pod counts as there; one of an update has to be found healthy, too.
func (s *statefulSet) available(c *Core, p *pod) bool {
	return c.available(p, s.object.Spec.MinReadySeconds, s.rolling() && p.hash == s.update.hash)
}

// hopeless tells whether a Pod that is not ready is of a template that nobody wants any more.
func (s *statefulSet) hopeless(p *pod) bool { return s.revisionOf(p.slot).hash != p.hash && !p.ready() }

// rolling tells whether Pods of two templates stand beside each other.
func (s *statefulSet) rolling() bool { return s.current.hash != s.update.hash }

// revisionOf is the template that an ordinal is to have.
func (s *statefulSet) revisionOf(ordinal int) *revision {
	onDelete := s.object.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
	if !onDelete && ordinal < s.partition() {
		return &s.current
	}
	return &s.update
}

// shrink ends the Pods beyond the last ordinal, the highest first; it returns false while one is on its way out.
func (s *statefulSet) shrink(c *Core) bool {
	first, end := s.ordinals()
	var condemned []*pod
	for _, p := range s.pods {
		if p.slot < first || p.slot >= end {
			condemned = append(condemned, p)
		}
	}
	slices.SortFunc(condemned, func(a, b *pod) int { return b.slot - a.slot })
	for _, p := range condemned {
		if s.ordered() && p.deleting {
			return false
		}
		s.remove(c, p)
		if s.ordered() {
			return false
		}
	}
	return len(condemned) == 0 || !s.ordered()
}

// roll replaces Pods of an earlier template, from the highest ordinal down to the partition. A Pod that is not available
// counts as one of those that may be missing.
func (s *statefulSet) roll(c *Core) {
	if s.object.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return
	}
	first, end := s.ordinals()
	may := s.maxUnavailable()
	for ordinal := end - 1; ordinal >= max(first, s.partition()); ordinal-- {
		p := s.at(ordinal)
		switch {
		case may == 0:
			return
		case p == nil, p.deleting:
			may--
		case p.hash != s.update.hash:
			s.remove(c, p)
			may--
		case !s.available(c, p):
			may--
		}
	}
}

func (s *statefulSet) maxUnavailable() int {
	u := s.object.Spec.UpdateStrategy.RollingUpdate
	if u == nil || u.MaxUnavailable == nil {
		return 1
	}
	// A value that does not parse counts as 0; the API server refuses it.
	n, _ := intstr.GetScaledValueFromIntOrPercent(u.MaxUnavailable, int(wanted(s.object.Spec.Replicas)), true)
	return max(1, n)
}

// promote makes the update the current template when every Pod has it.
func (s *statefulSet) promote() {
	for _, p := range s.pods {
		if p.hash != s.update.hash {
			return
		}
	}
	_, end := s.ordinals()
	if len(s.pods) > 0 && s.partition() >= end {
		return
	}
	s.current = s.update
}

func (s *statefulSet) create(c *Core, ordinal int) {
	ref := store.Ref{
		Cluster: s.ref.Cluster, Kind: kind.Pod, Namespace: s.ref.Namespace, Name: fmt.Sprintf("%s-%d", s.ref.Name, ordinal),
	}
	if !c.free(ref, s) {
		return
	}
	of := s.revisionOf(ordinal)
	p := c.create(birth{
		ref: ref, owner: s, generate: s.ref.Name + "-", hash: of.hash, slot: ordinal, template: &of.template,
		by: owner(appsv1.SchemeGroupVersion.String(), "StatefulSet", s.ref.Name, s.object.UID),
		labels: map[string]string{
			appsv1.StatefulSetRevisionLabel: s.ref.Name + "-" + of.hash, appsv1.StatefulSetPodNameLabel: ref.Name,
			appsv1.PodIndexLabel: fmt.Sprint(ordinal),
		},
	})
	p.object.Spec.Hostname, p.object.Spec.Subdomain = ref.Name, s.object.Spec.ServiceName
	for _, claim := range s.object.Spec.VolumeClaimTemplates {
		p.object.Spec.Volumes = append(p.object.Spec.Volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name + "-" + ref.Name},
		}})
	}
	s.pods = append(s.pods, p)
	c.event(s.ref, "Normal", "SuccessfulCreate",
		fmt.Sprintf("create Pod %s in StatefulSet %s successful", ref.Name, s.ref.Name), statefulSetController)
	c.admit(p)
}

func (s *statefulSet) remove(c *Core, p *pod) {
	if p.deleting {
		return
	}
	c.event(s.ref, "Normal", "SuccessfulDelete",
		fmt.Sprintf("delete Pod %s in StatefulSet %s successful", p.ref.Name, s.ref.Name), statefulSetController)
	c.deletePod(p)
}

func (s *statefulSet) status(c *Core) *appsv1.StatefulSetStatus {
	status := &appsv1.StatefulSetStatus{
		ObservedGeneration: s.object.Generation,
		CurrentRevision:    s.ref.Name + "-" + s.current.hash, UpdateRevision: s.ref.Name + "-" + s.update.hash,
	}
	for _, p := range staying(s.pods) {
		status.Replicas++
		if p.hash == s.update.hash {
			status.UpdatedReplicas++
		}
		if p.hash == s.current.hash {
			status.CurrentReplicas++
		}
		if p.ready() {
			status.ReadyReplicas++
		}
		if c.available(p, s.object.Spec.MinReadySeconds, false) {
			status.AvailableReplicas++
		}
	}
	return status
}
