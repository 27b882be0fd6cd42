package neg

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// unitObject is the unit kind that makes ServiceNetworkEndpointGroups, and keeps those that nobody wants until they are
	// collected, with their groups. Its key is one's Ref.
	unitObject = "neg.object"
	// unitZones is the unit kind of the zones that a ServiceNetworkEndpointGroup has groups in: a zone that loses its Nodes keeps
	// its group. Its key is one's Ref, its value a []string.
	unitZones = "neg.zones"
)

// Finalizer is that of ServiceNetworkEndpointGroups.
const Finalizer = "networking.gke.io/neg-finalizer"

// The labels of a ServiceNetworkEndpointGroup.
const (
	labelManagedBy   = "networking.gke.io/managed-by"
	labelServiceName = "networking.gke.io/service-name"
	labelServicePort = "networking.gke.io/service-port"
)

// svcnegRef is the ServiceNetworkEndpointGroup of a port's groups.
func svcnegRef(of portOf, name string) store.Ref {
	return store.Ref{Cluster: of.cluster, Kind: kind.ServiceNetworkEndpointGroup, Namespace: of.namespace, Name: name}
}

// PortOf is the Service port that a ServiceNetworkEndpointGroup is of, as package neg's keys have it.
func PortOf(ref store.Ref, o metav1.Object) (service, key string, ok bool) {
	labels := o.GetLabels()
	port, err := strconv.ParseInt(labels[labelServicePort], 10, 32)
	of := portOf{ref.Cluster, ref.Namespace, labels[labelServiceName], int32(port)}
	return of.service, of.key(), err == nil && of.service != ""
}

func translateObject(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	of, groups, held := claimantIn(v, ref)
	if held {
		return recompute.Result{State: recompute.Held}
	}
	if groups == nil {
		return retained(v, ref)
	}
	service, ok := recompute.Get[*corev1.Service](v, of.serviceRef())
	if !ok {
		return retained(v, ref)
	}
	has := groups.Name == ref.Name
	status := &negv1beta1.ServiceNetworkEndpointGroupStatus{Conditions: conditions(has, ref.Name, groups.Holder)}
	if has {
		status.NetworkEndpointGroups = references(v, ref.Cluster, groups.Groups)
	}
	if at, ok := recompute.Fact[time.Time](v, fact.Synced(of.key())); ok {
		status.LastSyncTime = metav1.NewTime(at)
	}
	return recompute.Result{State: recompute.Present, Writes: []recompute.Write{
		{Ref: ref, Part: recompute.PartObject, Value: object(ref, of, service)},
		{Ref: ref, Part: recompute.PartStatus, Value: status},
	}}
}

// claimantIn is the Service port of the object's namespace that has its name, or else the first that wants it; nil groups are none.
func claimantIn(v *recompute.View, ref store.Ref) (of portOf, groups *Groups, held bool) {
	for _, c := range claimants(v, ref.Name) {
		if c.cluster != ref.Cluster || c.namespace != ref.Namespace {
			continue
		}
		wanted, _ := wantedBy(v, c.serviceRef())
		if _, ok := wanted.port(c.port); !ok {
			continue
		}
		g, ok, held := recompute.Value[*Groups](v, UnitGroups, c.key())
		switch {
		case held:
			return c, nil, true
		case ok && g.Name == ref.Name:
			return c, g, false
		case ok && groups == nil:
			of, groups = c, g
		}
	}
	return of, groups, false
}

func object(ref store.Ref, of portOf, service *corev1.Service) *negv1beta1.ServiceNetworkEndpointGroup {
	yes, no := true, false
	return &negv1beta1.ServiceNetworkEndpointGroup{
		TypeMeta: metav1.TypeMeta{APIVersion: negv1beta1.SchemeGroupVersion.String(), Kind: kind.Bare(ref.Kind)},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ref.Namespace, Name: ref.Name, Finalizers: []string{Finalizer},
			Labels: map[string]string{
				labelManagedBy: Component, labelServiceName: of.service, labelServicePort: strconv.Itoa(int(of.port)),
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: kind.Service, Name: service.Name, UID: service.UID, Controller: &yes, BlockOwnerDeletion: &no,
			}},
		},
	}
}

func conditions(has bool, name, holder string) []negv1beta1.Condition {
	made := negv1beta1.Condition{Type: negv1beta1.Initialized, Status: "True", Reason: negv1beta1.NegInitializationSuccessful}
	synced := negv1beta1.Condition{Type: negv1beta1.Synced, Status: "True", Reason: negv1beta1.NegSyncSuccessful}
	if !has {
		text := conflict(name, holder)
		made.Status, made.Reason, made.Message = "False", negv1beta1.NegInitializationFailed, text
		synced.Status, synced.Reason, synced.Message = "False", negv1beta1.NegSyncFailed, text
	}
	return []negv1beta1.Condition{made, synced}
}

// references are the groups as the Compute API names them.
func references(v *recompute.View, cluster string, groups []Group) []negv1beta1.NegObjectReference {
	project := fleet.MemberOf(v, cluster).ProjectID
	if project == "" {
		project = fleet.DefaultProject
	}
	var out []negv1beta1.NegObjectReference
	for _, g := range groups {
		_, name := names.SplitGroup(g.Name)
		link := fmt.Sprintf("https://www.googleapis.com/compute/v1/projects/%s/zones/%s/networkEndpointGroups/%s", project, g.Zone, name)
		out = append(out, negv1beta1.NegObjectReference{
			Id: strconv.FormatUint(uint64(digest.Number(g.Name)), 10), SelfLink: link, NetworkEndpointType: "GCE_VM_IP_PORT",
		})
	}
	return out
}

// retained is an object that nobody wants: it stays, with its groups, until it is collected.
func retained(v *recompute.View, ref store.Ref) recompute.Result {
	live, ok := recompute.Get[*negv1beta1.ServiceNetworkEndpointGroup](v, ref)
	collected, _ := recompute.Fact[bool](v, fact.Collected(ref))
	if !ok || collected {
		return recompute.Result{State: recompute.Absent}
	}
	kept := live.DeepCopy()
	kept.Status = negv1beta1.ServiceNetworkEndpointGroupStatus{}
	result := recompute.Result{State: recompute.Present, Writes: []recompute.Write{{Ref: ref, Part: recompute.PartObject, Value: kept}}}
	if w := v.Written(ref); w != nil && w.Status != nil {
		result.Writes = append(result.Writes, recompute.Write{Ref: ref, Part: recompute.PartStatus, Value: w.Status})
	}
	_, key, ok := PortOf(ref, live)
	if !ok {
		return result
	}
	groups, ok, held := recompute.Value[*Groups](v, UnitGroups, key)
	switch {
	case held:
		return recompute.Result{State: recompute.Held, Writes: result.Writes}
	case !ok || groups.Name != ref.Name:
		result.Resources = emptyGroups(v, ref, key)
	}
	return result
}

// emptyGroups are those of a Service port that is gone, in the zones where they were.
func emptyGroups(v *recompute.View, ref store.Ref, key string) []*lbv1.Resource {
	of, _ := parseKey(key)
	topology, _ := topologyOf(v, ref.Cluster)
	if topology == nil {
		return nil
	}
	b := builder{of: of, uid: ClusterUID(v, ref.Cluster), name: ref.Name, topology: topology, defaultPort: uint32(of.port), sizes: Sizes{}}
	for _, zone := range zonesBefore(v, ref) {
		group := names.Group(zone, ref.Name)
		if _, taken := holder(v, group); !taken { // whoever has the name now publishes it
			b.addGroup(group, zone, nil)
		}
	}
	return b.resources
}

// zonesBefore are the zones in which a ServiceNetworkEndpointGroup has groups.
func zonesBefore(v *recompute.View, ref store.Ref) []string {
	zones, _, _ := recompute.Value[[]string](v, unitZones, ref.String())
	return zones
}

func translateZones(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	zones := ZonesOf(v.Written(ref))
	if len(zones) == 0 {
		return recompute.Result{State: recompute.Absent}
	}
	return recompute.Result{State: recompute.Present, Value: zones}
}

// ZonesOf reads the zones out of what was said of a ServiceNetworkEndpointGroup, in order.
func ZonesOf(w *store.Written) []string {
	if w == nil {
		return nil
	}
	status, ok := w.Status.(*negv1beta1.ServiceNetworkEndpointGroupStatus)
	if !ok {
		return nil
	}
	var zones []string
	for _, ref := range status.NetworkEndpointGroups {
		_, rest, _ := strings.Cut(ref.SelfLink, "/zones/")
		if zone, _, ok := strings.Cut(rest, "/"); ok {
			zones = append(zones, zone)
		}
	}
	slices.Sort(zones)
	return zones
}
