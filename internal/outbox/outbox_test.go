package outbox

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
)

var (
	web   = refOf(kind.Gateway, "store", "web")
	route = refOf(kind.HTTPRoute, "store", "r")
	svc   = refOf(kind.Service, "store", "derived")
)

// everything is one write of each part.
func everything() []recompute.WriteChange {
	return []recompute.WriteChange{
		want(web, recompute.PartStatus, "", programmed("True", "a")),
		want(web, recompute.PartAnnotations, "", map[string]string{"networking.gke.io/url-maps": "m"}),
		want(web, recompute.PartFinalizers, "", []string{"ours"}),
		want(route, recompute.PartStatus, "", &gatewayv1.HTTPRouteStatus{RouteStatus: gatewayv1.RouteStatus{Parents: []gatewayv1.RouteParentStatus{parent("web", controller)}}}),
		want(svc, recompute.PartObject, "", service("derived", "10.0.0.1")),
		want(web, recompute.PartEvent, "SYNC", recompute.Event{Type: "Normal", Reason: "SYNC", Message: "m", Source: "s", Cause: "1"}),
	}
}

func worldWithObjects(t testing.TB) *world {
	api := newAPIServer("store")
	api.add("gateways/store/web", gatewayNamed("web"))
	api.add("httproutes/store/r", routeNamed("r"))
	w := newWorld(t, api)
	w.restart(everything())
	w.settle()
	return w
}

func TestEveryPartIsWritten(t *testing.T) {
	w := worldWithObjects(t)
	g := w.api.get("gateways/store/web")
	if at(g, "status", "conditions", 0, "status") != "True" || at(g, "metadata", "finalizers", 0) != "ours" ||
		at(g, "metadata", "annotations", "networking.gke.io/url-maps") != "m" || at(g, "metadata", "annotations", status.LastReconcileTime) == nil {
		t.Errorf("the Gateway is %v", g)
	}
	if r := w.api.get("httproutes/store/r"); at(r, "status", "parents", 0, "controllerName") != controller {
		t.Errorf("the route is %v", r)
	}
	s := w.api.get("services/store/derived")
	if at(s, "spec", "clusterIP") != "10.0.0.1" || at(s, "metadata", "annotations", status.InstallAnnotation) != "a" ||
		at(s, "metadata", "labels", "app.kubernetes.io/managed-by") != "spillway" {
		t.Errorf("the Service is %v", s)
	}
	found := false
	for key, o := range w.api.objects {
		if strings.HasPrefix(key, "events/store/web.") {
			found = at(o, "reason") == "SYNC" && at(o, "involvedObject", "uid") == at(g, "metadata", "uid")
		}
	}
	if !found {
		t.Error("there is no event")
	}
	if n := w.api.countWrites(); n > 7 {
		t.Errorf("%d writes: %v", n, w.api.writes)
	}
}

// TestARestartWritesNothing: what is wanted again is there.
func TestARestartWritesNothing(t *testing.T) {
	w := worldWithObjects(t)
	before := w.api.countWrites()
	w.now = w.now.Add(time.Hour)
	w.restart(everything())
	w.settle()
	if n := w.api.countWrites(); n != before {
		t.Errorf("%d writes: %v", n-before, w.api.writes)
	}
}

// TestAReplicaThatTakesOverWritesNothing: it has said the same of the same objects, at other moments.
func TestAReplicaThatTakesOverWritesNothing(t *testing.T) {
	api := newAPIServer("store")
	api.add("gateways/store/web", gatewayNamed("web"))
	api.add("httproutes/store/r", routeNamed("r"))
	follower := newWorld(t, api)
	leader := newWorld(t, api)
	follower.now = start.Add(3 * time.Second)
	follower.restart(everything())
	leader.restart(everything())
	leader.settle()
	api.events = nil
	for _, o := range api.listed() {
		api.events = append(api.events, apiEvent{object: o})
	}
	before := api.countWrites()
	follower.now = start.Add(30 * time.Second)
	follower.watch(100)
	follower.owner.Since = start.Add(20 * time.Second)
	follower.core = NewCore(follower.owner, follower.limits)
	follower.sub = follower.store.Subscribe()
	follower.settle()
	if n := api.countWrites(); n != before {
		t.Errorf("%d writes: %v", n-before, api.writes)
	}
}

// TestTimesAndForeignEntriesStay: what others say, and when something became so.
func TestTimesAndForeignEntriesStay(t *testing.T) {
	w := worldWithObjects(t)
	w.api.edit("httproutes/store/r", func(o map[string]any) {
		s := o["status"].(map[string]any)
		s["parents"] = append(s["parents"].([]any), decoded(encode(parent("other", "example.com/other"))))
	})
	since := at(w.api.get("httproutes/store/r"), "status", "parents", 0, "conditions", 0, "lastTransitionTime")
	w.now = w.now.Add(time.Minute)
	next := parent("web", controller)
	next.Conditions[0].Message, next.Conditions[0].ObservedGeneration = "b", 1
	// The store has not heard of the other controller yet: the write is based on an old version.
	w.round(want(route, recompute.PartStatus, "", &gatewayv1.HTTPRouteStatus{RouteStatus: gatewayv1.RouteStatus{Parents: []gatewayv1.RouteParentStatus{next}}}))
	w.send()
	w.answer(0)
	w.settle()
	parents := list(at(w.api.get("httproutes/store/r"), "status", "parents"))
	if len(parents) != 2 {
		t.Fatalf("parents: %v", parents)
	}
	for _, p := range parents {
		p := p.(map[string]any)
		if p["controllerName"] == controller && (at(p, "conditions", 0, "message") != "b" || at(p, "conditions", 0, "lastTransitionTime") != since) {
			t.Errorf("ours: %v", p)
		}
	}
	// Taken back, ours goes and theirs stays.
	w.round(want(route, recompute.PartStatus, "", &gatewayv1.HTTPRouteStatus{}))
	w.settle()
	parents = list(at(w.api.get("httproutes/store/r"), "status", "parents"))
	if len(parents) != 1 || at(parents[0].(map[string]any), "controllerName") != "example.com/other" {
		t.Errorf("parents: %v", parents)
	}
}

// TestTwoStepsOfADeletion: the object stays until the store says that nothing of it is left.
func TestTwoStepsOfADeletion(t *testing.T) {
	w := worldWithObjects(t)
	w.api.deleteBy("gateways/store/web")
	w.settle()
	if w.api.get("gateways/store/web") == nil {
		t.Fatal("it went before its finalizer")
	}
	w.round(gone(want(web, recompute.PartStatus, "", nil)), gone(want(web, recompute.PartAnnotations, "", nil)), want(web, recompute.PartFinalizers, "", []string{}))
	w.settle()
	if g := w.api.get("gateways/store/web"); g != nil || w.store.Snapshot().Get(web) != nil {
		t.Errorf("it is there still: %v", g)
	}
}

// TestAnnotationsAndFinalizersAreTakenBack: those that were said; those of others stay.
func TestAnnotationsAndFinalizersAreTakenBack(t *testing.T) {
	w := worldWithObjects(t)
	w.api.edit("gateways/store/web", func(o map[string]any) {
		meta(o)["finalizers"] = append(list(meta(o)["finalizers"]), "theirs")
		meta(o)["annotations"].(map[string]any)["theirs"] = "x"
	})
	w.round(want(web, recompute.PartAnnotations, "", map[string]string{"networking.gke.io/addresses": ""}), want(web, recompute.PartFinalizers, "", []string{}))
	w.settle()
	m := meta(w.api.get("gateways/store/web"))
	if value, there := m["annotations"].(map[string]any)["networking.gke.io/addresses"]; !there || value != "" {
		t.Errorf("the empty annotation was not written: %v", m)
	}
	_, there := m["annotations"].(map[string]any)["networking.gke.io/url-maps"]
	if there || at(m, "annotations", "theirs") != "x" || !reflect.DeepEqual(m["finalizers"], []any{"theirs"}) {
		t.Errorf("metadata: %v", m)
	}
}

// TestGatesOfPods: one condition beside the kubelet's, which writes all the time.
func TestGatesOfPods(t *testing.T) {
	api := newAPIServer("store")
	api.add("pods/store/p", map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p", "namespace": "store"},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False"}}},
	})
	w := newWorld(t, api)
	pod := refOf(kind.Pod, "store", "p")
	gate := corev1.PodCondition{Type: "gate", Status: "True", Reason: "R", Message: "m"}
	w.round(want(pod, recompute.PartCondition, "gate", gate))
	w.api.edit("pods/store/p", func(o map[string]any) {
		o["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
	})
	w.settle()
	conditions := list(at(w.api.get("pods/store/p"), "status", "conditions"))
	if len(conditions) != 2 {
		t.Fatalf("conditions: %v", conditions)
	}
	for _, c := range conditions {
		if at(c.(map[string]any), "status") != "True" {
			t.Errorf("condition %v", c)
		}
	}
	before := w.api.countWrites()
	w.restart([]recompute.WriteChange{want(pod, recompute.PartCondition, "gate", gate)})
	w.settle()
	if w.api.countWrites() != before {
		t.Errorf("a restart writes: %v", w.api.writes)
	}
}

// TestDerivedObjectsFollow: made, changed, mended, replaced where a field cannot change, and gone; those of others are left alone.
func TestDerivedObjectsFollow(t *testing.T) {
	w := worldWithObjects(t)
	key := "services/store/derived"
	w.api.edit(key, func(o map[string]any) { o["spec"].(map[string]any)["ports"] = []any{} })
	w.settle()
	if ports := list(at(w.api.get(key), "spec", "ports")); len(ports) != 1 {
		t.Errorf("it is not mended: %v", ports)
	}
	less := service("derived", "10.0.0.1")
	less.Labels = nil
	w.round(want(svc, recompute.PartObject, "", less))
	w.settle()
	if at(w.api.get(key), "metadata", "labels", "l") != nil {
		t.Error("a label that is not wanted any more stays")
	}
	uid := at(w.api.get(key), "metadata", "uid")
	w.round(want(svc, recompute.PartObject, "", service("derived", "10.0.0.2")))
	w.settle()
	if s := w.api.get(key); at(s, "spec", "clusterIP") != "10.0.0.2" || at(s, "metadata", "uid") == uid {
		t.Errorf("the immutable field: %v", s)
	}
	w.api.deleteBy(key)
	w.settle()
	if w.api.get(key) == nil {
		t.Error("it is not made again")
	}
	w.round(gone(want(svc, recompute.PartObject, "", nil)))
	w.settle()
	if s := w.api.get(key); s != nil {
		t.Errorf("it is there still: %v", s)
	}
	w.api.add(key, decoded(encode(service("derived", "10.0.0.9"))))
	w.watch(10)
	w.round(want(svc, recompute.PartObject, "", service("derived", "10.0.0.1")))
	w.settle()
	if at(w.api.get(key), "spec", "clusterIP") != "10.0.0.9" {
		t.Error("the user's object was replaced")
	}
	w.round(gone(want(svc, recompute.PartObject, "", nil)))
	w.settle()
	if w.api.get(key) == nil {
		t.Error("the user's object was deleted")
	}
}

// TestAnObjectWithAFinalizerOfOursGoes: a ServiceNetworkEndpointGroup's status is no resource of its own, either.
func TestAnObjectWithAFinalizerOfOursGoes(t *testing.T) {
	w := newWorld(t, newAPIServer("store"))
	ref := refOf(kind.ServiceNetworkEndpointGroup, "store", "neg")
	neg := &negv1beta1.ServiceNetworkEndpointGroup{
		TypeMeta:   metav1.TypeMeta{APIVersion: negv1beta1.SchemeGroupVersion.String(), Kind: "ServiceNetworkEndpointGroup"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "neg", Finalizers: []string{"networking.gke.io/neg-finalizer"}},
	}
	said := &negv1beta1.ServiceNetworkEndpointGroupStatus{Conditions: []negv1beta1.Condition{{Type: "Synced", Status: "True"}}}
	w.round(want(ref, recompute.PartObject, "", neg), want(ref, recompute.PartStatus, "", said))
	w.settle()
	key := "servicenetworkendpointgroups/store/neg"
	if at(w.api.get(key), "status", "conditions", 0, "status") != "True" {
		t.Fatalf("it is %v", w.api.get(key))
	}
	labelled := neg.DeepCopy()
	labelled.Labels = map[string]string{"a": "b"}
	w.round(want(ref, recompute.PartObject, "", labelled))
	w.settle()
	if o := w.api.get(key); at(o, "metadata", "labels", "a") != "b" || at(o, "status", "conditions", 0, "status") != "True" {
		t.Errorf("it is %v", o)
	}
	w.round(gone(want(ref, recompute.PartObject, "", nil)), gone(want(ref, recompute.PartStatus, "", nil)))
	w.settle()
	if w.api.get(key) != nil {
		t.Error("it is there still")
	}
}

// TestWhatAGarbageCollectorDeletes goes, for our finalizer holds it; it is made anew as long as it is wanted, and not once it is not.
func TestWhatAGarbageCollectorDeletes(t *testing.T) {
	ref, key := refOf(kind.ServiceNetworkEndpointGroup, "store", "neg"), "servicenetworkendpointgroups/store/neg"
	neg := &negv1beta1.ServiceNetworkEndpointGroup{
		TypeMeta:   metav1.TypeMeta{APIVersion: negv1beta1.SchemeGroupVersion.String(), Kind: "ServiceNetworkEndpointGroup"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "neg", Finalizers: []string{"networking.gke.io/neg-finalizer"}},
	}
	made := func() (*world, any) {
		w := newWorld(t, newAPIServer("store"))
		w.round(want(ref, recompute.PartObject, "", neg))
		w.settle()
		return w, at(w.api.get(key), "metadata", "uid")
	}
	w, first := made()
	w.api.deleteBy(key)
	w.settle()
	if o := w.api.get(key); o == nil || at(o, "metadata", "uid") == first || at(o, "metadata", "deletionTimestamp") != nil {
		t.Errorf("it was not made anew: %v", o)
	}
	w, _ = made()
	w.api.deleteBy(key)
	w.round(gone(want(ref, recompute.PartObject, "", nil)))
	w.settle()
	if o := w.api.get(key); o != nil {
		t.Errorf("it is there still: %v", o)
	}
}

// TestANamespaceIsWaitedFor: nothing is asked of a Namespace that is not there, or on its way out.
func TestANamespaceIsWaitedFor(t *testing.T) {
	w := newWorld(t, newAPIServer())
	w.round(want(svc, recompute.PartObject, "", service("derived", "10.0.0.1")))
	w.settle()
	if n := w.api.countWrites(); n > 0 {
		t.Errorf("%d writes without a Namespace", n)
	}
	w.api.add("namespaces//store", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "store"}})
	w.settle()
	if w.api.get("services/store/derived") == nil {
		t.Error("it is not made")
	}
}

// TestRefusalsAreToldAndDoNotLoop: of a kind that is not served, of what is forbidden or invalid.
func TestRefusalsAreToldAndDoNotLoop(t *testing.T) {
	for name, refusal := range map[string]*metav1.Status{
		"forbidden": refuse(403, metav1.StatusReasonForbidden, "no"), "invalid": refuse(422, metav1.StatusReasonInvalid, "bad"),
		"unserved": {Code: 404, Reason: metav1.StatusReasonNotFound, Message: "the server could not find the requested resource"},
		"busy":     refuse(429, metav1.StatusReasonTooManyRequests, "later"), "failed": refuse(500, metav1.StatusReasonInternalError, "oops"),
	} {
		w := newWorld(t, newAPIServer("store"))
		w.api.fault = func(*http.Request, string) *metav1.Status { return refusal }
		w.round(want(svc, recompute.PartObject, "", service("derived", "10.0.0.1")))
		for end := w.now.Add(10 * time.Minute); w.now.Before(end); w.now = w.now.Add(100 * time.Millisecond) {
			w.send()
			for len(w.flying) > 0 {
				w.answer(0)
			}
		}
		if n := w.api.countWrites(); n < 2 || n > 25 {
			t.Errorf("%s: %d requests in ten minutes", name, n)
		}
		if len(w.told) != 1 {
			t.Errorf("%s: told %q", name, w.told)
		}
		w.api.fault = nil
		w.settle()
		if w.api.get("services/store/derived") == nil {
			t.Errorf("%s: it is never made", name)
		}
	}
}

// TestTwoWhoFightSlowDown: somebody else writes another status whenever ours is there.
func TestTwoWhoFightSlowDown(t *testing.T) {
	w := worldWithObjects(t)
	before := w.api.countWrites()
	for end := w.now.Add(10 * time.Minute); w.now.Before(end); w.now = w.now.Add(100 * time.Millisecond) {
		w.api.edit("gateways/store/web", func(o map[string]any) {
			at(o, "status", "conditions", 0).(map[string]any)["message"] = "theirs"
		})
		w.watch(100)
		w.send()
		for len(w.flying) > 0 {
			w.answer(0)
		}
	}
	if n := w.api.countWrites() - before; n > 30 {
		t.Errorf("%d writes in ten minutes", n)
	}
	if len(w.told) == 0 {
		t.Error("nothing is told")
	}
}

// TestAThousandRoutesAttach: the Gateway's status changes a thousand times within a minute.
func TestAThousandRoutesAttach(t *testing.T) {
	w := worldWithObjects(t)
	w.now = w.now.Add(time.Minute)
	writes := func() (n int) {
		for key, count := range w.api.writes {
			if strings.HasSuffix(key, "gateways/store/web") {
				n += count
			}
		}
		return n
	}
	before := writes()
	for i := range 1000 {
		s := programmed("True", "a")
		s.Listeners = []gatewayv1.ListenerStatus{{Name: "http", AttachedRoutes: int32(i + 1), SupportedKinds: []gatewayv1.RouteGroupKind{}, Conditions: []metav1.Condition{}}}
		w.round(want(web, recompute.PartStatus, "", s))
		w.now = w.now.Add(60 * time.Millisecond)
		w.send()
		for len(w.flying) > 0 {
			w.answer(0)
		}
		w.watch(100)
	}
	w.settle()
	if n := writes() - before; n > 50 {
		t.Errorf("%d writes", n)
	}
	if got := at(w.api.get("gateways/store/web"), "status", "listeners", 0, "attachedRoutes"); got != float64(1000) {
		t.Errorf("attachedRoutes: %v", got)
	}
}

// TestEventsAreCounted: told again, an event is one with a count; one that the API server has forgotten is made anew.
func TestEventsAreCounted(t *testing.T) {
	w := worldWithObjects(t)
	sync := func(cause string) recompute.WriteChange {
		return want(web, recompute.PartEvent, "SYNC", recompute.Event{Type: "Normal", Reason: "SYNC", Message: "m", Source: "s", Cause: cause})
	}
	event := func() (key string, count any) {
		for k, o := range w.api.objects {
			if strings.HasPrefix(k, "events/") {
				return k, o["count"]
			}
		}
		return "", nil
	}
	w.round(sync("2"))
	w.settle()
	key, count := event()
	if count != float64(2) {
		t.Errorf("count %v", count)
	}
	w.api.deleteBy(key) // its time is over
	w.api.events = nil  // and nobody watches events
	w.round(sync("3"))
	w.settle()
	if _, count := event(); count != float64(3) {
		t.Errorf("count %v", count)
	}
}

// TestTwoInstallsLeaveEachOtherAlone: each has its own objects, and neither touches the other's.
func TestTwoInstallsLeaveEachOtherAlone(t *testing.T) {
	a := worldWithObjects(t)
	b := newWorld(t, a.api)
	b.owner.Install = "b"
	before := a.api.get("services/store/derived")
	b.restart([]recompute.WriteChange{want(svc, recompute.PartObject, "", service("derived", "10.0.0.7"))})
	b.settle()
	b.round(gone(want(svc, recompute.PartObject, "", nil)))
	b.settle()
	if after := a.api.get("services/store/derived"); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}
