package fleet

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mcsv1alpha1 "sigs.k8s.io/mcs-api/pkg/apis/v1alpha1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// offer is one cluster's valid export of a Service.
type offer struct {
	Cluster string
	// Created is the creation time of the cluster's oldest export of the name.
	Created time.Time

	Type                  string
	Ports                 []Port
	SessionAffinity       corev1.ServiceAffinity
	SessionAffinityConfig *corev1.SessionAffinityConfig
	InternalTrafficPolicy *corev1.ServiceInternalTrafficPolicy
	TrafficDistribution   *string
	IPFamilies            []corev1.IPFamily
	// Labels and Annotations are those that the export says to export.
	Labels      map[string]string
	Annotations map[string]string
}

// invalidity is why an export does not count; the zero value is that it does.
type invalidity struct {
	Reason  string
	Message string
}

// export is a ServiceExport of either group.
type export struct {
	ref         store.Ref
	created     time.Time
	labels      map[string]string
	annotations map[string]string
}

// exportsOf returns the exports of a name by members, in order of cluster and kind.
func exportsOf(v *recompute.View, fleet *Fleet, key string) []export {
	refs := slices.Concat(v.Index(indexExports, key), v.Index(indexMCSExports, key))
	var all []export
	for _, ref := range refs {
		if _, member := fleet.Member(ref.Cluster); !member {
			continue
		}
		if e, ok := exportOf(v.Get(ref)); ok {
			e.ref = ref
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b export) int { return strings.Compare(a.ref.Cluster, b.ref.Cluster) })
	return all
}

func exportOf(o store.Object) (export, bool) {
	switch o := o.(type) {
	case *netv1.ServiceExport:
		return export{created: o.CreationTimestamp.Time}, true
	case *mcsv1alpha1.ServiceExport:
		return export{
			created: o.CreationTimestamp.Time, labels: o.Spec.ExportedLabels, annotations: o.Spec.ExportedAnnotations,
		}, true
	case *mcsv1beta1.ServiceExport:
		return export{
			created: o.CreationTimestamp.Time, labels: o.Spec.ExportedLabels, annotations: o.Spec.ExportedAnnotations,
		}, true
	}
	return export{}, false
}

// invalidityOf is why an export does not count, given the Service of its name, or nil.
func invalidityOf(e export, service *corev1.Service) invalidity {
	name := e.ref.Namespace + "/" + e.ref.Name
	switch {
	case e.ref.Kind == kind.ServiceExport && isExcluded(e.ref.Namespace):
		return invalidity{
			"InvalidNamespace",
			"Services of namespace " + e.ref.Namespace + " are not exported by net.gke.io, as on GKE; move the Service " +
				"to another namespace, or export it by multicluster.x-k8s.io",
		}
	case service == nil:
		return invalidity{string(mcsv1beta1.ServiceExportReasonNoService), "Service " + name + " does not exist"}
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		return invalidity{
			string(mcsv1beta1.ServiceExportReasonInvalidServiceType),
			"Service " + name + " is of type ExternalName, which can't be exported",
		}
	}
	return invalidity{}
}

// isExcluded tells the namespaces that GKE's multi-cluster Services leave alone.
func isExcluded(namespace string) bool {
	return namespace == metav1.NamespaceDefault || namespace == metav1.NamespaceSystem
}

func offerOf(e export, service *corev1.Service) offer {
	o := offer{
		Cluster: e.ref.Cluster, Created: e.created, Type: ClusterSetIP,
		SessionAffinity: service.Spec.SessionAffinity, SessionAffinityConfig: service.Spec.SessionAffinityConfig,
		InternalTrafficPolicy: service.Spec.InternalTrafficPolicy, TrafficDistribution: service.Spec.TrafficDistribution,
		IPFamilies: service.Spec.IPFamilies, Labels: e.labels, Annotations: e.annotations,
	}
	if service.Spec.ClusterIP == corev1.ClusterIPNone {
		o.Type = Headless
	}
	if o.SessionAffinity == "" {
		o.SessionAffinity = corev1.ServiceAffinityNone
	}
	for _, p := range service.Spec.Ports {
		port := Port{Name: p.Name, Protocol: string(p.Protocol), Port: p.Port}
		if port.Protocol == "" {
			port.Protocol = string(corev1.ProtocolTCP)
		}
		if p.AppProtocol != nil {
			port.AppProtocol = *p.AppProtocol
		}
		o.Ports = append(o.Ports, port)
	}
	return o
}

// add folds a second export of the same cluster, of the other group, into the offer.
func (o *offer) add(e export) {
	if e.created.Before(o.Created) {
		o.Created = e.created
	}
	if o.Labels == nil {
		o.Labels = e.labels
	}
	if o.Annotations == nil {
		o.Annotations = e.annotations
	}
}
