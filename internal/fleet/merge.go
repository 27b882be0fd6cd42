package fleet

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// merged is what all exports of a name come to.
type merged struct {
	// Offers are the valid exports, oldest first, one a cluster.
	Offers []offer
	// Invalid has an entry for each export that is not valid.
	Invalid map[store.Ref]invalidity
	// Result is the offer that the import shows: the oldest one, with the union of the ports.
	Result offer
	// Conflicts are what the offers differ in.
	Conflicts []conflict
}

// conflict is a property that offers differ in.
type conflict struct {
	Reason mcsv1beta1.ServiceExportConditionReason
	// Field is what a message calls it.
	Field string
	// Clusters have another value than the winner.
	Clusters []string
}

func translateMerge(v *recompute.View, key string) recompute.Result {
	fleet, ok, held := recompute.Value[*Fleet](v, UnitMembers, "")
	if held {
		return recompute.Result{State: recompute.Held}
	}
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	for _, member := range fleet.Members {
		if fact.Pending(v, member.Name, kind.ServiceExport, kind.MCSServiceExport) {
			return recompute.Result{State: recompute.Held}
		}
	}
	exports := exportsOf(v, fleet, key)
	if len(exports) == 0 {
		return recompute.Result{State: recompute.Absent}
	}
	m := &merged{Invalid: map[store.Ref]invalidity{}}
	for _, e := range exports {
		ref := store.Ref{Cluster: e.ref.Cluster, Kind: kind.Service, Namespace: e.ref.Namespace, Name: e.ref.Name}
		service, _ := recompute.Get[*corev1.Service](v, ref)
		if bad := invalidityOf(e, service); bad != (invalidity{}) {
			m.Invalid[e.ref] = bad
			continue
		}
		if n := len(m.Offers); n > 0 && m.Offers[n-1].Cluster == e.ref.Cluster {
			m.Offers[n-1].add(e)
			continue
		}
		m.Offers = append(m.Offers, offerOf(e, service))
	}
	if len(m.Offers) > 0 {
		m.merge()
	}
	return recompute.Result{State: recompute.Present, Value: m}
}

// merge applies KEP-1645: the oldest export wins, except that ports are a union. Equally old ones go by cluster name.
func (m *merged) merge() {
	slices.SortFunc(m.Offers, func(a, b offer) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.Cluster, b.Cluster)
	})
	m.Result = m.Offers[0]
	m.Result.Ports = unionPorts(m.Offers)
	m.compare(mcsv1beta1.ServiceExportReasonPortConflict, "ports",
		func(o offer) bool { return samePorts(o.Ports, m.Result.Ports) })
	m.compareField(mcsv1beta1.ServiceExportReasonTypeConflict, "type", func(o offer) any { return o.Type })
	m.compareField(mcsv1beta1.ServiceExportReasonSessionAffinityConflict, "sessionAffinity",
		func(o offer) any { return o.SessionAffinity })
	m.compareField(mcsv1beta1.ServiceExportReasonSessionAffinityConfigConflict, "sessionAffinityConfig",
		func(o offer) any { return o.SessionAffinityConfig })
	m.compareField(mcsv1beta1.ServiceExportReasonInternalTrafficPolicyConflict, "internalTrafficPolicy",
		func(o offer) any { return o.InternalTrafficPolicy })
	m.compareField(mcsv1beta1.ServiceExportReasonTrafficDistributionConflict, "trafficDistribution",
		func(o offer) any { return o.TrafficDistribution })
	m.compareField(mcsv1beta1.ServiceExportReasonIPFamilyConflict, "ipFamilies",
		func(o offer) any { return o.IPFamilies })
	m.compare(mcsv1beta1.ServiceExportReasonLabelsConflict, "exportedLabels",
		func(o offer) bool { return maps.Equal(o.Labels, m.Result.Labels) })
	m.compare(mcsv1beta1.ServiceExportReasonAnnotationsConflict, "exportedAnnotations",
		func(o offer) bool { return maps.Equal(o.Annotations, m.Result.Annotations) })
}

func (m *merged) compareField(reason mcsv1beta1.ServiceExportConditionReason, field string, of func(offer) any) {
	want := of(m.Result)
	m.compare(reason, field, func(o offer) bool { return reflect.DeepEqual(of(o), want) })
}

func (m *merged) compare(reason mcsv1beta1.ServiceExportConditionReason, field string, agrees func(offer) bool) {
	c := conflict{Reason: reason, Field: field}
	for _, o := range m.Offers {
		if !agrees(o) {
			c.Clusters = append(c.Clusters, o.Cluster)
		}
	}
	if len(c.Clusters) > 0 {
		m.Conflicts = append(m.Conflicts, c)
	}
}

// unionPorts takes the ports of the oldest offer and then those of the others that contradict none before: a name
// stands for one port, and a protocol and number have one name.
func unionPorts(offers []offer) []Port {
	var union []Port
	for _, o := range offers {
		for _, p := range o.Ports {
			clash := slices.ContainsFunc(union, func(u Port) bool {
				return u.Name == p.Name || (u.Protocol == p.Protocol && u.Port == p.Port)
			})
			if !clash {
				union = append(union, p)
			}
		}
	}
	return union
}

func samePorts(a, b []Port) bool {
	if len(a) != len(b) {
		return false
	}
	for _, p := range a {
		if !slices.Contains(b, p) {
			return false
		}
	}
	return true
}

// imported is the part of the merge that routes refer to.
func (m *merged) imported(namespace, name string) *Import {
	im := &Import{Namespace: namespace, Name: name, Type: m.Result.Type, Ports: m.Result.Ports}
	for _, o := range m.Offers {
		im.Exports = append(im.Exports, Export{Cluster: o.Cluster, Ports: o.Ports})
	}
	slices.SortFunc(im.Exports, func(a, b Export) int { return strings.Compare(a.Cluster, b.Cluster) })
	return im
}
