package main

import (
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	namespace = "store"
	// servicesOfCluster are exported by every cluster; sliceSize is how many endpoints an EndpointSlice has, as in Kubernetes.
	servicesOfCluster = 10
	sliceSize         = 100
	// hosts is how many host names routes spread over.
	hosts = 1000
)

var created = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// world is what the clusters hold.
type world struct {
	clusters, regions, endpoints, routes, nodes int
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1, CreationTimestamp: created}
}

func typeMeta(apiVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
}

func clusterName(i int) string { return fmt.Sprintf("c%03d", i) }

func (w *world) region(cluster int) string { return fmt.Sprintf("region%02d", cluster%w.regions) }

func (w *world) zone(cluster int) string { return w.region(cluster) + "-a" }

// fill puts everything into the store; cluster 0 is the config cluster.
func (w *world) fill(tx *store.Tx) {
	for c := range w.clusters {
		w.fillCluster(tx, c)
	}
	config := clusterName(0)
	tx.Put(config, w.gateway(), "")
	for i := range w.routes {
		tx.Put(config, w.route(i, 0), "")
	}
}

func (w *world) fillCluster(tx *store.Tx, c int) {
	name := clusterName(c)
	tx.Put(name, &spillwayv1alpha1.Cluster{
		TypeMeta: typeMeta("spillway.dev/v1alpha1", "Cluster"), ObjectMeta: meta("", name),
		Spec: spillwayv1alpha1.ClusterSpec{Region: w.region(c), Zones: []string{w.zone(c)}, ConfigCluster: c == 0},
	}, "")
	tx.Put(name, &corev1.Namespace{TypeMeta: typeMeta("v1", "Namespace"), ObjectMeta: meta("", namespace)}, "")
	for n := range w.nodes / w.clusters {
		tx.Put(name, w.node(c, n, created.Time), "")
	}
	for s := range servicesOfCluster {
		tx.Put(name, service(s), "")
		tx.Put(name, &netv1.ServiceExport{TypeMeta: typeMeta("net.gke.io/v1", "ServiceExport"), ObjectMeta: meta(namespace, serviceName(s))}, "")
		for slice := range w.slices() {
			all := w.slice(c, s, slice, -1)
			tx.Put(name, all, "")
			for _, e := range all.Endpoints {
				tx.Put(name, pod(serviceName(s), &e), "")
			}
		}
	}
}

// slices is how many EndpointSlices each Service of a cluster has.
func (w *world) slices() int {
	return (w.endpoints/w.clusters/servicesOfCluster + sliceSize - 1) / sliceSize
}

func serviceName(s int) string { return fmt.Sprintf("svc-%d", s) }

func service(s int) *corev1.Service {
	return &corev1.Service{
		TypeMeta: typeMeta("v1", "Service"), ObjectMeta: meta(namespace, serviceName(s)),
		Spec: corev1.ServiceSpec{
			ClusterIP: fmt.Sprintf("10.255.0.%d", s+1), Selector: map[string]string{"app": serviceName(s)},
			Ports: []corev1.ServicePort{{Name: "http", Port: 8080, Protocol: corev1.ProtocolTCP}},
		},
	}
}

// node is a Node as its kubelet last wrote it.
func (w *world) node(c, n int, heartbeat time.Time) *corev1.Node {
	m := meta("", fmt.Sprintf("node-%d", n))
	m.Labels = map[string]string{corev1.LabelTopologyZone: w.zone(c), corev1.LabelTopologyRegion: w.region(c)}
	return &corev1.Node{TypeMeta: typeMeta("v1", "Node"), ObjectMeta: m, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.NewTime(heartbeat),
	}}}}
}

// slice is one EndpointSlice without the endpoint at missing; none is at -1.
func (w *world) slice(c, s, at, missing int) *discoveryv1.EndpointSlice {
	m := meta(namespace, fmt.Sprintf("%s-%d", serviceName(s), at))
	m.Labels = map[string]string{discoveryv1.LabelServiceName: serviceName(s), discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"}
	port, name, protocol, zone := int32(8080), "http", corev1.ProtocolTCP, w.zone(c)
	out := &discoveryv1.EndpointSlice{
		TypeMeta: typeMeta("discovery.k8s.io/v1", "EndpointSlice"), ObjectMeta: m, AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port, Protocol: &protocol}},
	}
	for i := range sliceSize {
		if i == missing {
			continue
		}
		ready := true
		ip := netip.AddrFrom4([4]byte{10, byte(c), byte(s*w.slices() + at), byte(i + 1)})
		node := fmt.Sprintf("node-%d", i%max(1, w.nodes/w.clusters))
		out.Endpoints = append(out.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{ip.String()}, Zone: &zone, NodeName: &node, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: fmt.Sprintf("%s-%d-%d", serviceName(s), at, i)},
		})
	}
	return out
}

// pod is the Pod of an endpoint, with what a controller keeps of it.
func pod(service string, e *discoveryv1.Endpoint) *corev1.Pod {
	m := meta(namespace, e.TargetRef.Name)
	m.Labels = map[string]string{"app": service}
	return &corev1.Pod{
		TypeMeta: typeMeta("v1", "Pod"), ObjectMeta: m, Spec: corev1.PodSpec{NodeName: *e.NodeName},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: e.Addresses[0], PodIPs: []corev1.PodIP{{IP: e.Addresses[0]}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

// replace has the Pod at missing go, if it is there, or come.
func (w *world) replace(tx *store.Tx, c, s, at, missing int) {
	all := w.slice(c, s, at, -1)
	gone := &all.Endpoints[missing]
	p := pod(serviceName(s), gone)
	if ref := store.RefTo(clusterName(c), p); tx.Get(ref) != nil {
		tx.Delete(ref)
		all = w.slice(c, s, at, missing)
	} else {
		tx.Put(clusterName(c), p, "")
	}
	tx.Put(clusterName(c), all, "")
}

func (w *world) gateway() *gatewayv1.Gateway {
	return &gatewayv1.Gateway{
		TypeMeta: typeMeta("gateway.networking.k8s.io/v1", "Gateway"), ObjectMeta: meta(namespace, "web"),
		Spec: gatewayv1.GatewaySpec{GatewayClassName: "gke-l7-global-external-managed-mc", Listeners: []gatewayv1.Listener{
			{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType},
		}},
	}
}

// route sends a path to an import; version is seen in an answer's header.
func (w *world) route(i, version int) *gatewayv1.HTTPRoute {
	path, port := fmt.Sprintf("/r%d", i), int32(8080)
	group, kind := gatewayv1.Group("net.gke.io"), gatewayv1.Kind("ServiceImport")
	m := meta(namespace, fmt.Sprintf("route-%05d", i))
	m.Generation = int64(version + 1)
	return &gatewayv1.HTTPRoute{
		TypeMeta: typeMeta("gateway.networking.k8s.io/v1", "HTTPRoute"), ObjectMeta: m,
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: "web"}}},
			Hostnames:       []gatewayv1.Hostname{gatewayv1.Hostname(fmt.Sprintf("h%d.example.com", i%hosts))},
			Rules: []gatewayv1.HTTPRouteRule{{
				Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Value: &path}}},
				Filters: []gatewayv1.HTTPRouteFilter{{
					Type: gatewayv1.HTTPRouteFilterResponseHeaderModifier, ResponseHeaderModifier: &gatewayv1.HTTPHeaderFilter{
						Set: []gatewayv1.HTTPHeader{{Name: "x-version", Value: fmt.Sprint(version)}},
					},
				}},
				BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{
					Group: &group, Kind: &kind, Name: gatewayv1.ObjectName(serviceName(i % servicesOfCluster)), Port: &port,
				}}}},
			}},
		},
	}
}
