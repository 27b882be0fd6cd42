package translate_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// world is a store and an engine on it, without files and proxies.
type world struct {
	store  *store.Store
	sub    *store.Subscription
	engine *recompute.Engine
}

func newWorld() *world {
	w := &world{store: store.New(translate.Indexes()...), engine: recompute.New(translate.Config(options()))}
	w.sub = w.store.Subscribe()
	return w
}

func (w *world) commit(t testing.TB, f func(*store.Tx)) recompute.Round {
	t.Helper()
	w.store.Commit(f)
	round := w.engine.Run(w.sub.Take())
	for _, p := range round.Problems {
		t.Errorf("problem: %v", p)
	}
	return round
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, Generation: 1,
		CreationTimestamp: metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
}

func cluster(name, region string) *spillwayv1alpha1.Cluster {
	return &spillwayv1alpha1.Cluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"},
		ObjectMeta: meta("", name), Spec: spillwayv1alpha1.ClusterSpec{Region: region, Zones: []string{region + "-a"}},
	}
}

func service(namespace, name string, ports ...int32) *corev1.Service {
	s := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta(namespace, name)}
	for _, p := range ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: fmt.Sprint("p", p), Port: p, Protocol: corev1.ProtocolTCP})
	}
	return s
}

func gatewayOf(class string, listeners ...gatewayv1.Listener) *gatewayv1.Gateway {
	return &gatewayv1.Gateway{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway"},
		ObjectMeta: meta("store", "web"),
		Spec:       gatewayv1.GatewaySpec{GatewayClassName: gatewayv1.ObjectName(class), Listeners: listeners},
	}
}

func httpListener(name, host string, port int32) gatewayv1.Listener {
	l := gatewayv1.Listener{Name: gatewayv1.SectionName(name), Port: port, Protocol: gatewayv1.HTTPProtocolType}
	if host != "" {
		h := gatewayv1.Hostname(host)
		l.Hostname = &h
	}
	return l
}

// route has a rule for each backend, at /NAME/INDEX.
func route(name string, hosts []gatewayv1.Hostname, backends ...string) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "HTTPRoute"},
		ObjectMeta: meta("store", name),
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: "web"}}}, Hostnames: hosts,
		},
	}
	for i, backend := range backends {
		path, port := fmt.Sprintf("/%s/%d", name, i), int32(80)
		ref := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(backend), Port: &port}
		r.Spec.Rules = append(r.Spec.Rules, gatewayv1.HTTPRouteRule{
			Matches:     []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Value: &path}}},
			BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: ref}}},
		})
	}
	return r
}
