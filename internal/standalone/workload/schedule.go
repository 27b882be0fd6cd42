package workload

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// schedule gives a Pod a Node: of those that match its selector, the one with the fewest Pods of its ReplicaSet, so
// that Pods spread over zones.
func (c *Core) schedule(p *pod) {
	if p.node != "" || p.deleting {
		return
	}
	node := c.pickNode(p)
	if node == nil {
		c.waiting[p] = struct{}{}
		if p.unscheduled == "" && !c.config.Bound {
			p.unscheduled = "no Node of the cluster matches the Pod's node selector"
			c.event(p.ref, "Warning", "FailedScheduling", p.unscheduled, "default-scheduler")
			c.mark(p)
		}
		return
	}
	p.node, p.unscheduled, p.started = node.Name, "", c.now
	p.address = c.allocate(p)
	object := *p.object
	object.Spec.NodeName = p.node
	p.object = &object
	if !c.config.Bound {
		c.event(p.ref, "Normal", "Scheduled",
			"Successfully assigned "+p.ref.Namespace+"/"+p.ref.Name+" to "+p.node, "default-scheduler")
	}
	c.mark(p)
	c.startContainers(p)
}

func (c *Core) pickNode(p *pod) *corev1.Node {
	load := map[string]int{}
	if p.owner != nil {
		for _, other := range staying(p.owner.all()) {
			if other.node == "" {
				continue
			}
			// A Pod of another template counts less than one of its own.
			load[other.node]++
			if other.hash == p.hash {
				load[other.node] += 1000
			}
		}
	}
	var fit []*corev1.Node
	c.snapshot.Walk(kind.Node, p.ref.Cluster, "", func(e *store.Entry) bool {
		if node, ok := e.Object.(*corev1.Node); ok && matchesNode(p.object, node) {
			fit = append(fit, node)
		}
		return true
	})
	if len(fit) == 0 {
		return nil
	}
	return slices.MinFunc(fit, func(a, b *corev1.Node) int {
		return cmp.Or(cmp.Compare(load[a.Name], load[b.Name]),
			strings.Compare(a.Labels[corev1.LabelTopologyZone], b.Labels[corev1.LabelTopologyZone]),
			strings.Compare(a.Name, b.Name))
	})
}

func matchesNode(p *corev1.Pod, node *corev1.Node) bool {
	if p.Spec.NodeName != "" {
		return p.Spec.NodeName == node.Name
	}
	if node.Spec.Unschedulable {
		return false
	}
	for key, value := range p.Spec.NodeSelector {
		if node.Labels[key] != value {
			return false
		}
	}
	return true
}

// observeNode looks again at DaemonSets, and at what had Pods on a Node that is gone.
func (c *Core) observeNode(ref store.Ref) {
	for of, x := range c.controllers {
		if of.Kind == kind.DaemonSet && of.Cluster == ref.Cluster {
			c.dirty[x] = struct{}{}
		}
	}
	if c.snapshot.Get(ref) != nil {
		return
	}
	for _, p := range c.pods {
		if p.node == ref.Name && p.ref.Cluster == ref.Cluster {
			c.markOwner(p.owner)
		}
	}
}

// dropDeletedNodesPods deletes Pods whose Node is gone, once there is another Node to take them.
func (c *Core) dropDeletedNodesPods(x controller) {
	cluster := x.name().Cluster
	for _, p := range staying(x.all()) {
		ref := store.Ref{Cluster: cluster, Kind: kind.Node, Name: p.node}
		if p.node != "" && c.snapshot.Get(ref) == nil && len(c.snapshot.List(kind.Node, cluster, "")) > 0 {
			c.deletePod(p)
		}
	}
}
