package cluster

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// place is where a member stands.
type place struct {
	region string
	zones  []string
}

// placeKnown is where the member stands: as it was said, as its Nodes say, or as was known before; nil if nobody knows yet. The
// lock is held.
func (w *watcher) placeKnown() *place {
	if w.member.Region != "" {
		return &place{w.member.Region, w.member.Zones}
	}
	snapshot := w.set.config.Store.Snapshot()
	if p := placeOf(snapshot, w.member.Name); p != nil {
		return p
	}
	if e := snapshot.Get(clusterRef(w.member.Name)); e != nil {
		if c, ok := e.Object.(*spillwayv1alpha1.Cluster); ok {
			return &place{c.Spec.Region, c.Spec.Zones}
		}
	}
	if nodes := w.core.kinds[kind.Node]; nodes.known || nodes.problem != "" && w.core.answered {
		return &place{region: spillwayv1alpha1.DefaultRegion}
	}
	return nil
}

// placeOf is the region that most Nodes of a cluster say they are in, with the zones there; nil if none says.
func placeOf(snapshot *store.Snapshot, cluster string) *place {
	count, zones := map[string]int{}, map[string][]string{}
	snapshot.Walk(kind.Node, cluster, "", func(e *store.Entry) bool {
		labels := e.Object.GetLabels()
		region, zone := labels[corev1.LabelTopologyRegion], labels[corev1.LabelTopologyZone]
		if region != "" {
			count[region]++
			if zone != "" && !slices.Contains(zones[region], zone) {
				zones[region] = append(zones[region], zone)
			}
		}
		return true
	})
	best := ""
	for region, n := range count {
		if best == "" || n > count[best] || n == count[best] && region < best {
			best = region
		}
	}
	if best == "" {
		return nil
	}
	slices.Sort(zones[best])
	return &place{best, zones[best]}
}

func clusterRef(name string) store.Ref {
	return store.Ref{Cluster: name, Kind: kind.Cluster, Name: name}
}

// show makes the member's Cluster object, once it is known where it stands; the lock is held.
func (w *watcher) show() {
	if w.place == nil {
		return
	}
	now := w.set.config.Now()
	next := &spillwayv1alpha1.Cluster{
		TypeMeta: metav1.TypeMeta{APIVersion: spillwayv1alpha1.SchemeGroupVersion.String(), Kind: kind.Bare(kind.Cluster)},
		ObjectMeta: metav1.ObjectMeta{
			Name: w.member.Name, CreationTimestamp: metav1.NewTime(w.core.began.UTC()), Generation: 1,
		},
		Spec: spillwayv1alpha1.ClusterSpec{
			Region: w.place.region, Zones: w.place.zones, ConfigCluster: w.member.ConfigCluster, Project: w.set.config.Project,
		},
	}
	w.set.config.Store.Commit(func(tx *store.Tx) {
		var before []metav1.Condition
		if e := tx.Get(clusterRef(w.member.Name)); e != nil {
			if old, ok := e.Object.(*spillwayv1alpha1.Cluster); ok {
				next.CreationTimestamp = old.CreationTimestamp
				before = old.Status.Conditions
			}
		}
		next.Status = w.core.status(before, metav1.NewTime(now.UTC()))
		tx.Put(w.member.Name, next, w.member.Origin)
	})
}

// status says how a member is; before are the conditions that it had.
func (c *core) status(before []metav1.Condition, now metav1.Time) spillwayv1alpha1.ClusterStatus {
	reachable := metav1.Condition{
		Type: spillwayv1alpha1.ConditionReachable, Status: metav1.ConditionTrue, Reason: "Answers", ObservedGeneration: 1,
		LastTransitionTime: now,
	}
	var seen *metav1.Time
	switch {
	case c.stale:
		reachable.Status, reachable.Reason, reachable.Message = metav1.ConditionFalse, "Away", c.problem+"; "+c.consequence()
		if c.forgotten {
			reachable.Reason, reachable.Message = "Forgotten", c.problem+"; what was known of it is forgotten"
		}
		if !c.heard.IsZero() {
			seen = &metav1.Time{Time: c.heard.UTC()}
		}
	case !c.answered:
		reachable.Status, reachable.Reason = metav1.ConditionUnknown, "Connecting"
	case c.unreadable() != "":
		reachable.Reason, reachable.Message = "Incomplete", "cannot be read: "+c.unreadable()
	}
	for _, old := range before {
		if old.Type == reachable.Type && old.Status == reachable.Status {
			reachable.LastTransitionTime = old.LastTransitionTime
		}
	}
	return spillwayv1alpha1.ClusterStatus{Conditions: []metav1.Condition{reachable}, LastSeen: seen}
}

// unreadable names the kinds that cannot be read.
func (c *core) unreadable() string {
	var names []string
	for name, k := range c.kinds {
		if k.problem != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
