package fleet

import (
	"cmp"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	labelManagedBy      = "app.kubernetes.io/managed-by"
	managedBy           = "gke-mcs-controller.gke.io"
	labelBackendService = "net.gke.io/backend-service-name"
	labelNetwork        = "net.gke.io/export-network"
	labelProject        = "net.gke.io/export-project"
	annotationDerived   = "net.gke.io/derived-service"
	// annotationMCSDerived is what other implementations of the multi-cluster API go by.
	annotationMCSDerived = "multicluster.kubernetes.io/derived-service"
)

// translateImport publishes the import of a name, and its objects in every member.
func translateImport(v *recompute.View, key string) recompute.Result {
	m, ok, held := recompute.Value[*merged](v, unitMerge, key)
	fleet, _, fleetHeld := recompute.Value[*Fleet](v, UnitMembers, "")
	if held || fleetHeld {
		return recompute.Result{State: recompute.Held}
	}
	if !ok || len(m.Offers) == 0 {
		return recompute.Result{State: recompute.Absent}
	}
	namespace, name, _ := parseImportKey(key)
	result := recompute.Result{State: recompute.Present, Value: m.imported(namespace, name)}
	for _, member := range fleet.Members {
		d := deriver{merged: m, fleet: fleet, member: member, namespace: namespace, name: name}
		if m.Result.Type == ClusterSetIP {
			d.ip, d.allocated = d.address(v)
		}
		result.Writes = append(result.Writes, d.writes(v)...)
	}
	for _, o := range m.Offers {
		for _, ref := range Slices(v, o.Cluster, namespace, name) {
			v.Unit(unitSlice, ref.String()) // it has no value, and wakes nobody
		}
	}
	return result
}

// deriver makes the objects of one import in one member.
type deriver struct {
	merged          *merged
	fleet           *Fleet
	member          Member
	namespace, name string
	// ip is "" if headless, or not known yet. allocated: it is the API server's choice.
	ip        string
	allocated bool
}

// address is the ClusterSetIP in the member. An API server gives Services addresses of a range that only it knows.
func (d *deriver) address(v *recompute.View) (ip string, allocated bool) {
	if allocated, _ = recompute.Fact[bool](v, fact.Allocating()); !allocated {
		ip, _, _ = recompute.Value[string](v, unitAddress, addressKey(d.member.Name, d.namespace, d.name))
		return ip, false
	}
	ref := store.Ref{Cluster: d.member.Name, Kind: kind.Service, Namespace: d.namespace, Name: DerivedName(d.namespace, d.name)}
	if live, ok := recompute.Get[*corev1.Service](v, ref); ok && live.Spec.ClusterIP != corev1.ClusterIPNone {
		ip = live.Spec.ClusterIP
	}
	return ip, true
}

// writes leaves alone what a user wrote by hand under the same name.
func (d *deriver) writes(v *recompute.View) []recompute.Write {
	var writes []recompute.Write
	add := func(o store.Object, status any) {
		ref := store.RefTo(d.member.Name, o)
		if old := v.Get(ref); old != nil && old.GetLabels()[labelManagedBy] != managedBy {
			return
		}
		writes = append(writes, recompute.Write{Ref: ref, Part: recompute.PartObject, Value: o})
		if status != nil {
			writes = append(writes, recompute.Write{Ref: ref, Part: recompute.PartStatus, Value: status})
		}
	}
	add(d.serviceImport(), d.importStatus())
	add(d.mcsServiceImport(), d.mcsImportStatus())
	add(d.derivedService(), nil)
	return writes
}

func (d *deriver) serviceImport() *netv1.ServiceImport {
	r := d.merged.Result
	o := &netv1.ServiceImport{
		TypeMeta:   metav1.TypeMeta{APIVersion: netv1.SchemeGroupVersion.String(), Kind: "ServiceImport"},
		ObjectMeta: d.meta(d.name),
		Spec: netv1.ServiceImportSpec{
			Type: netv1.ServiceImportType(r.Type), IPs: d.ips(),
			SessionAffinity: r.SessionAffinity, SessionAffinityConfig: r.SessionAffinityConfig,
		},
	}
	o.Annotations = d.annotations()
	for _, p := range r.Ports {
		o.Spec.Ports = append(o.Spec.Ports, netv1.ServicePort{
			Name: p.Name, Protocol: corev1.Protocol(p.Protocol), AppProtocol: appProtocol(p), Port: p.Port,
		})
	}
	return o
}

func (d *deriver) mcsServiceImport() *mcsv1beta1.ServiceImport {
	r := d.merged.Result
	o := &mcsv1beta1.ServiceImport{
		TypeMeta:   metav1.TypeMeta{APIVersion: mcsv1beta1.GroupVersion.String(), Kind: "ServiceImport"},
		ObjectMeta: d.meta(d.name),
		Spec: mcsv1beta1.ServiceImportSpec{
			Type: mcsv1beta1.ServiceImportType(r.Type), IPs: d.ips(), IPFamilies: r.IPFamilies,
			SessionAffinity: r.SessionAffinity, SessionAffinityConfig: r.SessionAffinityConfig,
			InternalTrafficPolicy: r.InternalTrafficPolicy, TrafficDistribution: r.TrafficDistribution,
		},
	}
	o.Annotations = d.annotations()
	for _, p := range r.Ports {
		o.Spec.Ports = append(o.Spec.Ports, mcsv1beta1.ServicePort{
			Name: p.Name, Protocol: corev1.Protocol(p.Protocol), AppProtocol: appProtocol(p), Port: p.Port,
		})
	}
	return o
}

// derivedService is the Service that carries the ClusterSetIP inside the member.
func (d *deriver) derivedService() *corev1.Service {
	r := d.merged.Result
	o := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: d.meta(DerivedName(d.namespace, d.name)),
		Spec: corev1.ServiceSpec{
			Type:            corev1.ServiceTypeClusterIP,
			SessionAffinity: r.SessionAffinity, SessionAffinityConfig: r.SessionAffinityConfig,
		},
	}
	if !d.allocated {
		o.Spec.ClusterIP = cmp.Or(d.ip, corev1.ClusterIPNone)
		o.Spec.ClusterIPs = []string{o.Spec.ClusterIP}
	}
	for _, p := range r.Ports {
		o.Spec.Ports = append(o.Spec.Ports, corev1.ServicePort{
			Name: p.Name, Protocol: corev1.Protocol(p.Protocol), AppProtocol: appProtocol(p), Port: p.Port,
		})
	}
	return o
}

func (d *deriver) meta(name string) metav1.ObjectMeta {
	labels := maps.Clone(d.merged.Result.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelManagedBy] = managedBy
	labels[labelBackendService] = "gkemcs-" + d.namespace + "-" + d.name
	labels[labelNetwork] = "default"
	if exporter, ok := d.fleet.Member(d.merged.Result.Cluster); ok && exporter.ProjectID != "" {
		labels[labelProject] = exporter.ProjectID
	}
	return metav1.ObjectMeta{Namespace: d.namespace, Name: name, Labels: labels}
}

func (d *deriver) annotations() map[string]string {
	a := maps.Clone(d.merged.Result.Annotations)
	if a == nil {
		a = map[string]string{}
	}
	a[annotationDerived] = DerivedName(d.namespace, d.name)
	a[annotationMCSDerived] = DerivedName(d.namespace, d.name)
	return a
}

func (d *deriver) ips() []string {
	if d.ip == "" {
		return nil
	}
	return []string{d.ip}
}

// importStatus names clusters by the paths of their memberships.
func (d *deriver) importStatus() *netv1.ServiceImportStatus {
	status := &netv1.ServiceImportStatus{}
	for _, e := range d.merged.imported(d.namespace, d.name).Exports {
		path := e.Cluster
		if m, ok := d.fleet.Member(e.Cluster); ok {
			path = MembershipPath(m)
		}
		status.Clusters = append(status.Clusters, netv1.ClusterStatus{Cluster: path})
	}
	return status
}

// mcsImportStatus names clusters by the DNS labels that the upstream API asks for.
func (d *deriver) mcsImportStatus() *mcsv1beta1.ServiceImportStatus {
	status := &mcsv1beta1.ServiceImportStatus{}
	for _, e := range d.merged.imported(d.namespace, d.name).Exports {
		status.Clusters = append(status.Clusters, mcsv1beta1.ClusterStatus{Cluster: e.Cluster})
	}
	status.Conditions = []metav1.Condition{{
		Type: string(mcsv1beta1.ServiceImportConditionReady), Status: metav1.ConditionTrue,
		Reason: string(mcsv1beta1.ServiceImportReasonReady),
	}}
	return status
}

// MembershipPath is a member's name as Google's fleet API writes it.
func MembershipPath(m Member) string {
	return "projects/" + m.ProjectNumber + "/locations/" + m.Region + "/memberships/" + m.Name
}

// DerivedName is gke-mcs- and ten characters that follow from the import's name.
func DerivedName(namespace, name string) string {
	return "gke-mcs-" + digest.Base36(namespace+"/"+name, 10)
}

func appProtocol(p Port) *string {
	if p.AppProtocol == "" {
		return nil
	}
	return &p.AppProtocol
}
