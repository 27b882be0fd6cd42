package outbox

import (
	"context"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	corev1 "k8s.io/api/core/v1"

	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	cluster    = "west"
	controller = "networking.gke.io/gateway"
)

// world is a cluster with an API server, a store that hears of it, a writer and a core; everything happens when a test says so.
type world struct {
	t      testing.TB
	api    *apiServer
	client *client
	owner  Owner
	limits Limits

	store  *store.Store
	sub    *store.Subscription
	writer *status.Writer
	loop   *store.Subscription // what rounds would start from
	core   *Core
	now    time.Time
	flying []*Op
	told   []string
}

func newWorld(t testing.TB, api *apiServer) *world {
	w := &world{
		t: t, api: api, now: start,
		owner: Owner{
			Install: "a", Controllers: []string{controller}, Finalizers: []string{"ours", "networking.gke.io/neg-finalizer"},
			Annotations: map[string][]string{kind.Gateway: {"networking.gke.io/url-maps"}},
		},
	}
	to, err := dynamic.NewForConfigAndClient(&rest.Config{Host: "http://api", QPS: -1}, &http.Client{Transport: handlerTransport{api}})
	if err != nil {
		t.Fatal(err)
	}
	w.client = newClient(func(string) (dynamic.Interface, bool) { return to, true })
	w.restart(nil)
	return w
}

// restart begins with a store that has what the API server lists, and a writer and a core that know nothing.
func (w *world) restart(wanted []recompute.WriteChange) {
	w.store, w.flying = store.New(), nil
	w.writer = status.NewWriter(w.store, status.Limits{Controllers: w.owner.Controllers})
	w.sub, w.loop = w.store.Subscribe(), w.store.Subscribe()
	listed := fact.Listed(cluster, kind.Gateway)
	w.store.Commit(func(tx *store.Tx) { tx.SetFact(listed, false) })
	w.round()
	w.store.Commit(func(tx *store.Tx) {
		tx.SetFact(listed, nil)
		for _, o := range w.api.listed() {
			if object := w.typed(o); object != nil {
				tx.Put(cluster, object, status.OriginOf(object, w.owner.Install))
			}
		}
	})
	w.core = NewCore(w.owner, w.limits)
	w.core.Trouble = func(ref store.Ref, class Class, text string) {
		w.told = append(w.told, ref.String()+" "+class.String()+" "+text)
	}
	w.round(wanted...)
	w.round()
}

func (w *world) typed(o map[string]any) store.Object {
	u := &unstructured.Unstructured{Object: o}
	like, ok := schema.New(u.GetAPIVersion(), u.GetKind())
	switch {
	case u.GetKind() == "Event":
		like, ok = &corev1.Event{}, true
	case u.GetKind() == "ServiceNetworkEndpointGroup":
		like, ok = &negv1beta1.ServiceNetworkEndpointGroup{}, true
	}
	if !ok {
		return nil
	}
	object, err := typed(u, like)
	if err != nil {
		w.t.Fatal(err)
	}
	return object
}

// watch delivers up to n events to the store, and to the writer as a round would.
func (w *world) watch(n int) int {
	events := w.api.take(n)
	for _, e := range events {
		object := w.typed(e.object)
		if object == nil {
			continue
		}
		w.store.Commit(func(tx *store.Tx) {
			if e.gone {
				tx.Delete(store.RefTo(cluster, object))
			} else {
				tx.Put(cluster, object, status.OriginOf(object, w.owner.Install))
			}
		})
	}
	w.round()
	return len(events)
}

func (w *world) round(changes ...recompute.WriteChange) {
	_, touched := w.loop.Take()
	w.now = w.now.Add(time.Millisecond) // an object's two lives begin at two moments
	w.writer.Apply(changes, touched, w.now)
}

// send starts what may start.
func (w *world) send() int {
	observe(w.core, w.sub)
	ops := w.core.Next(w.now)
	w.flying = append(w.flying, ops...)
	return len(ops)
}

// answer lets the i-th request in flight be answered.
func (w *world) answer(i int) {
	op := w.flying[i]
	w.flying = append(w.flying[:i], w.flying[i+1:]...)
	w.core.Done(w.now, op, w.client.do(context.Background(), op))
}

// settle goes on until nothing is due within a day.
func (w *world) settle() {
	for range 3000 {
		busy := w.watch(1000) > 0
		busy = w.send() > 0 || busy
		for len(w.flying) > 0 {
			w.answer(0)
			busy = true
		}
		if busy {
			continue
		}
		observe(w.core, w.sub)
		at, ok := w.core.Due(w.now)
		if !ok || at.Sub(w.now) > 24*time.Hour {
			return
		}
		if at.After(w.now) {
			w.now = at
		}
	}
	w.t.Fatalf("it does not come to rest; told: %v", w.told)
}

func want(ref store.Ref, part recompute.Part, key string, value any) recompute.WriteChange {
	return recompute.WriteChange{Write: recompute.Write{Ref: ref, Part: part, Key: key, Value: value}}
}

func gone(c recompute.WriteChange) recompute.WriteChange {
	c.Removed = true
	return c
}

func refOf(kind, namespace, name string) store.Ref {
	return store.Ref{Cluster: cluster, Kind: kind, Namespace: namespace, Name: name}
}

func gatewayNamed(name string) map[string]any {
	return map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": map[string]any{"name": name, "namespace": "store"},
		"spec": map[string]any{"gatewayClassName": "c", "listeners": []any{}},
	}
}

func routeNamed(name string) map[string]any {
	return map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": map[string]any{"name": name, "namespace": "store"},
		"spec": map[string]any{},
	}
}

func programmed(is metav1.ConditionStatus, message string) *gatewayv1.GatewayStatus {
	return &gatewayv1.GatewayStatus{Conditions: []metav1.Condition{{Type: "Programmed", Status: is, Reason: "R", Message: message}}}
}

func parent(name, by string) gatewayv1.RouteParentStatus {
	return gatewayv1.RouteParentStatus{
		ParentRef: gatewayv1.ParentReference{Name: gatewayv1.ObjectName(name)}, ControllerName: gatewayv1.GatewayController(by),
		Conditions: []metav1.Condition{{Type: "Accepted", Status: metav1.ConditionTrue, Reason: "R"}},
	}
}

func service(name, ip string) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: name, Labels: map[string]string{"l": ip}},
		Spec:       corev1.ServiceSpec{ClusterIP: ip, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

// at is a value inside an object: "status.conditions.0.status".
func at(o map[string]any, path ...any) any {
	var v any = o
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}
