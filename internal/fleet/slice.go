package fleet

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// indexSlices files EndpointSlices under what servedKey says.
const indexSlices = "fleet.slices"

func sliceKeys(ref store.Ref, o store.Object) []string {
	service := o.GetLabels()[discoveryv1.LabelServiceName]
	if service == "" {
		return nil
	}
	return []string{servedKey(ref.Cluster, ref.Namespace, service)}
}

// servedKey names the Service that a slice is of.
func servedKey(cluster, namespace, service string) string {
	return unitkey.Join(cluster, namespace, service)
}

// Indexed is what reads indexes: a recompute.View, or a snapshot.
type Indexed interface {
	Index(index, key string) []store.Ref
}

// Slices returns the EndpointSlices of a Service.
func Slices(v Indexed, cluster, namespace, service string) []store.Ref {
	return v.Index(indexSlices, servedKey(cluster, namespace, service))
}

// translateSlice puts one exported EndpointSlice into every member that has a use for it, the exporting one included; all of them have
// the same object. A unit for each slice keeps the work of an endpoint that comes or goes to its own slice.
func translateSlice(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	source, ok := recompute.Get[*discoveryv1.EndpointSlice](v, ref)
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	name := source.Labels[discoveryv1.LabelServiceName]
	m, ok, held := recompute.Value[*merged](v, unitMerge, ImportKey(ref.Namespace, name))
	fleet, _, fleetHeld := recompute.Value[*Fleet](v, UnitMembers, "")
	if held || fleetHeld {
		return recompute.Result{State: recompute.Held}
	}
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	i := slices.IndexFunc(m.Offers, func(o offer) bool { return o.Cluster == ref.Cluster })
	if i < 0 {
		return recompute.Result{State: recompute.Absent}
	}
	imported := importedSlice(source, ref.Cluster, name, m.ports(m.Offers[i]))
	result := recompute.Result{State: recompute.Present}
	for _, member := range fleet.Members {
		if needed, _ := recompute.Known[bool](v, unitNeed, needKey(member.Name, ref.Namespace)); !needed {
			continue
		}
		result.Writes = append(result.Writes, recompute.Write{
			Ref: store.RefTo(member.Name, imported), Part: recompute.PartObject, Value: imported,
		})
	}
	return result
}

// ports are the names of the ports for which an offer gets traffic: those that the import has by the same number.
func (m *merged) ports(o offer) map[string]bool {
	names := map[string]bool{}
	for _, p := range o.Ports {
		names[p.Name] = slices.ContainsFunc(m.Result.Ports, func(q Port) bool {
			return q.Name == p.Name && q.Port == p.Port && q.Protocol == p.Protocol
		})
	}
	return names
}

// importedSlice is an exported slice as the other clusters see it. Its Pods and Nodes are not theirs; zones are.
func importedSlice(source *discoveryv1.EndpointSlice, cluster, service string, ports map[string]bool) *discoveryv1.EndpointSlice {
	derived := DerivedName(source.Namespace, service)
	out := &discoveryv1.EndpointSlice{
		TypeMeta: source.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: source.Namespace, GenerateName: derived + "-", Name: derived + "-" + digest.Base36(cluster+"/"+source.Name, 10),
			Labels: map[string]string{
				// kube-proxy goes by the first label.
				discoveryv1.LabelServiceName:  derived,
				discoveryv1.LabelManagedBy:    managedBy,
				mcsv1beta1.LabelServiceName:   service,
				mcsv1beta1.LabelSourceCluster: cluster,
			},
		},
		AddressType: source.AddressType, Endpoints: []discoveryv1.Endpoint{}, Ports: []discoveryv1.EndpointPort{},
	}
	if _, headless := source.Labels[corev1.IsHeadlessService]; headless {
		out.Labels[corev1.IsHeadlessService] = ""
	}
	for _, e := range source.Endpoints {
		e.TargetRef, e.NodeName, e.Hints = nil, nil, nil
		out.Endpoints = append(out.Endpoints, e)
	}
	for _, p := range source.Ports {
		if p.Name == nil && ports[""] || p.Name != nil && ports[*p.Name] {
			out.Ports = append(out.Ports, p)
		}
	}
	return out
}
