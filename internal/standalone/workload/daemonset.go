package workload

import (
	"cmp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const daemonSetController = "daemonset-controller"

// daemonSet is a DaemonSet: one Pod on each Node that its template's selector takes.
type daemonSet struct {
	ref    store.Ref
	object *appsv1.DaemonSet
	pods   []*pod
	hash   string
	// misscheduled are Pods on Nodes that are not taken any more.
	misscheduled int
}

func (d *daemonSet) name() store.Ref   { return d.ref }
func (d *daemonSet) source() string    { return daemonSetController }
func (d *daemonSet) all() []*pod       { return d.pods }
func (d *daemonSet) stale(p *pod) bool { return p.hash != d.hash }
func (d *daemonSet) drop(p *pod) {
	d.pods = slices.DeleteFunc(d.pods, func(x *pod) bool { return x == p })
}

func (d *daemonSet) take(o store.Object) {
	if object, ok := o.(*appsv1.DaemonSet); ok {
		d.object = object
	}
}

func (d *daemonSet) release(c *Core) {
	for _, p := range staying(d.pods) {
		c.deletePod(p)
	}
	c.unwrite(d.ref, recompute.PartStatus)
}

// place is a Node and the Pods on it that are to stay.
type place struct {
	node          string
	old, new      *pod
	oldOK, newOK  bool
	somebodyGoing bool
}

func (d *daemonSet) reconcile(c *Core) {
	d.hash = c.templateHash(&d.object.Spec.Template)
	places := d.places(c)
	d.dropOthers(c, places)
	surge, unavailable := d.limits(len(places))
	for _, at := range places {
		if !at.newOK && !at.oldOK {
			unavailable--
		}
	}
	onDelete := d.object.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	for _, at := range places {
		switch {
		case at.old == nil && at.new == nil:
			// A Pod takes the Node when the one before has gone, unless it may surge.
			if !at.somebodyGoing || surge > 0 {
				d.create(c, at.node)
			}
		case at.old == nil || onDelete:
		case surge > 0 && at.new == nil && d.surging(places) < surge:
			d.create(c, at.node)
		case surge > 0 && (at.newOK || at.new != nil && !at.oldOK):
			d.remove(c, at.old)
		case surge > 0:
		case !at.oldOK:
			d.remove(c, at.old)
		case unavailable > 0:
			unavailable--
			d.remove(c, at.old)
		}
	}
	c.write(d.ref, recompute.PartStatus, d.status(c, places))
}

// surging counts the Nodes with two Pods.
func (d *daemonSet) surging(places []place) int {
	n := 0
	for _, at := range places {
		for _, p := range staying(d.pods) {
			if at.old != nil && p.object.Spec.NodeName == at.node && p.hash == d.hash {
				n++
			}
		}
	}
	return n
}

// places are the Nodes that are to have a Pod, by name, with what is there.
func (d *daemonSet) places(c *Core) []place {
	like := &corev1.Pod{Spec: d.object.Spec.Template.Spec}
	var places []place
	c.snapshot.Walk(kind.Node, d.ref.Cluster, "", func(e *store.Entry) bool {
		node, ok := e.Object.(*corev1.Node)
		if ok && selects(like, node) {
			places = append(places, place{node: node.Name})
		}
		return true
	})
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.node, b.node) })
	rolling := slices.ContainsFunc(d.pods, func(p *pod) bool { return p.hash != d.hash })
	for i := range places {
		at := &places[i]
		for _, p := range d.pods {
			switch {
			case p.object.Spec.NodeName != at.node:
			case p.deleting:
				at.somebodyGoing = true
			case p.hash == d.hash:
				at.new, at.newOK = p, c.available(p, d.object.Spec.MinReadySeconds, rolling)
			default:
				at.old, at.oldOK = p, c.serving(p, d.object.Spec.MinReadySeconds)
			}
		}
	}
	return places
}

// dropOthers ends the Pods on Nodes that are gone or not taken any more.
func (d *daemonSet) dropOthers(c *Core, places []place) {
	d.misscheduled = 0
	for _, p := range staying(d.pods) {
		if !slices.ContainsFunc(places, func(at place) bool { return at.node == p.object.Spec.NodeName }) {
			d.misscheduled++
			d.remove(c, p)
		}
	}
}

// limits are maxSurge and maxUnavailable: how many Nodes may have two Pods, or none, meanwhile.
func (d *daemonSet) limits(nodes int) (surge, unavailable int) {
	s, u := intstr.FromInt32(0), intstr.FromInt32(1)
	if r := d.object.Spec.UpdateStrategy.RollingUpdate; r != nil {
		if r.MaxSurge != nil {
			s = *r.MaxSurge
		}
		if r.MaxUnavailable != nil {
			u = *r.MaxUnavailable
		}
	}
	// A value that does not parse counts as 0; the API server refuses it.
	surge, _ = intstr.GetScaledValueFromIntOrPercent(&s, nodes, true)
	unavailable, _ = intstr.GetScaledValueFromIntOrPercent(&u, nodes, true)
	if surge <= 0 && unavailable <= 0 {
		unavailable = 1
	}
	return surge, unavailable
}

func (d *daemonSet) create(c *Core, node string) {
	p := c.create(birth{
		ref: c.podRef(d.ref, node), owner: d, generate: d.ref.Name + "-", hash: d.hash, template: &d.object.Spec.Template,
		by:     owner(appsv1.SchemeGroupVersion.String(), "DaemonSet", d.ref.Name, d.object.UID),
		labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: d.hash},
	})
	p.object.Spec.NodeName = node
	d.pods = append(d.pods, p)
	c.event(d.ref, "Normal", "SuccessfulCreate", "Created pod: "+p.ref.Name, daemonSetController)
	c.admit(p)
}

func (d *daemonSet) remove(c *Core, p *pod) {
	c.event(d.ref, "Normal", "SuccessfulDelete", "Deleted pod: "+p.ref.Name, daemonSetController)
	c.deletePod(p)
}

func (d *daemonSet) status(c *Core, places []place) *appsv1.DaemonSetStatus {
	s := &appsv1.DaemonSetStatus{
		ObservedGeneration: d.object.Generation, DesiredNumberScheduled: int32(len(places)), NumberMisscheduled: int32(d.misscheduled),
	}
	nodes := map[string]bool{}
	ready, available := map[string]bool{}, map[string]bool{}
	for _, p := range staying(d.pods) {
		at := p.object.Spec.NodeName
		nodes[at] = true
		if p.hash == d.hash {
			s.UpdatedNumberScheduled++
		}
		ready[at] = ready[at] || p.ready()
		available[at] = available[at] || c.available(p, d.object.Spec.MinReadySeconds, false)
	}
	s.CurrentNumberScheduled = int32(len(nodes))
	for at := range nodes {
		if ready[at] {
			s.NumberReady++
		}
		if available[at] {
			s.NumberAvailable++
		}
	}
	s.NumberUnavailable = max(0, s.DesiredNumberScheduled-s.NumberAvailable)
	return s
}

// selects tells whether a Pod may be on a Node by what it asks for, whether the Node takes new Pods or not.
func selects(p *corev1.Pod, node *corev1.Node) bool {
	if p.Spec.NodeName != "" && p.Spec.NodeName != node.Name {
		return false
	}
	for key, value := range p.Spec.NodeSelector {
		if node.Labels[key] != value {
			return false
		}
	}
	return !slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool {
		return !tolerated(p.Spec.Tolerations, t)
	})
}

// tolerated tells whether a taint does not keep a Pod of a DaemonSet away. Those that a cluster puts on Nodes in trouble never do.
func tolerated(tolerations []corev1.Toleration, t corev1.Taint) bool {
	if t.Effect == corev1.TaintEffectPreferNoSchedule || strings.HasPrefix(t.Key, "node.kubernetes.io/") {
		return true
	}
	return slices.ContainsFunc(tolerations, func(x corev1.Toleration) bool {
		matches := x.Operator == corev1.TolerationOpExists || x.Value == t.Value
		return matches && (x.Key == t.Key || x.Key == "" && x.Operator == corev1.TolerationOpExists) && (x.Effect == "" || x.Effect == t.Effect)
	})
}
