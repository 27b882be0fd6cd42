package status_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

var (
	start   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	gateway = store.Ref{Cluster: "west", Kind: "Gateway.gateway.networking.k8s.io", Namespace: "store", Name: "external-http"}
)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func newGateway() *gatewayv1.Gateway {
	return &gatewayv1.Gateway{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "external-http", UID: "u"},
	}
}

func storeWithGateway() *store.Store {
	s := store.New()
	s.Commit(func(tx *store.Tx) { tx.Put("west", newGateway(), "gateway.yaml:1") })
	return s
}

func programmed(is metav1.ConditionStatus, message string) *gatewayv1.GatewayStatus {
	conditions := []metav1.Condition{{Type: "Programmed", Status: is, Reason: "Programmed", Message: message}}
	return &gatewayv1.GatewayStatus{
		Conditions: conditions,
		Listeners:  []gatewayv1.ListenerStatus{{Name: "http", Conditions: conditions}},
	}
}

func wantStatus(s *gatewayv1.GatewayStatus) recompute.WriteChange {
	return recompute.WriteChange{Write: recompute.Write{Ref: gateway, Part: recompute.PartStatus, Value: s}}
}

func wantAnnotations(a map[string]string) recompute.WriteChange {
	return recompute.WriteChange{Write: recompute.Write{Ref: gateway, Part: recompute.PartAnnotations, Value: a}}
}

func statusOf(t *testing.T, s *store.Store) *gatewayv1.GatewayStatus {
	t.Helper()
	e := s.Snapshot().Get(gateway)
	if e == nil || e.Written == nil {
		t.Fatal("nothing was written")
	}
	return e.Written.Status.(*gatewayv1.GatewayStatus)
}

func TestTransitionTimeMovesWithTheStatusOnly(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	wanted := programmed(metav1.ConditionTrue, "a")
	for i, step := range []struct {
		status *gatewayv1.GatewayStatus
		want   time.Time
	}{
		{wanted, at(0)},
		{programmed(metav1.ConditionTrue, "b"), at(0)},
		{programmed(metav1.ConditionFalse, "b"), at(20)},
	} {
		w.Apply([]recompute.WriteChange{wantStatus(step.status)}, nil, at(10*i))
		got := statusOf(t, s)
		if c := got.Conditions[0]; !c.LastTransitionTime.Time.Equal(step.want) {
			t.Errorf("step %d: Gateway condition's time is %v, want %v", i, c.LastTransitionTime, step.want)
		}
		if c := got.Listeners[0].Conditions[0]; !c.LastTransitionTime.Time.Equal(step.want) {
			t.Errorf("step %d: listener condition's time is %v, want %v", i, c.LastTransitionTime, step.want)
		}
	}
	if !wanted.Conditions[0].LastTransitionTime.IsZero() {
		t.Error("the translator's value was changed")
	}
}

func TestTheSameWriteIsNoCommit(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	changes := []recompute.WriteChange{
		wantStatus(programmed(metav1.ConditionTrue, "")),
		wantAnnotations(map[string]string{"a": "1", "networking.gke.io/url-maps": ""}),
	}
	w.Apply(changes, nil, at(0))
	before := s.Snapshot().Revision()
	w.Apply(changes, []string{store.ReadObject(gateway)}, at(60))
	if after := s.Snapshot().Revision(); after != before {
		t.Errorf("revision went from %d to %d", before, after)
	}
}

func TestLastReconcileTimeNeedsAnotherChange(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	annotation := func() string { return s.Snapshot().Get(gateway).Written.Annotations[status.LastReconcileTime] }
	reconcile := wantAnnotations(map[string]string{"networking.gke.io/url-maps": ""})
	for i, step := range []struct{ message, want string }{
		{"a", "2026-03-01T12:00:00Z"},
		{"a", "2026-03-01T12:00:00Z"},
		{"b", "2026-03-01T12:00:20Z"},
	} {
		w.Apply([]recompute.WriteChange{reconcile, wantStatus(programmed(metav1.ConditionTrue, step.message))}, nil, at(10*i))
		if got := annotation(); got != step.want {
			t.Errorf("step %d: the time is %q, want %q", i, got, step.want)
		}
	}
}

func TestWritesComeBackWithTheObject(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	w.Apply([]recompute.WriteChange{wantStatus(programmed(metav1.ConditionTrue, ""))}, nil, at(0))
	s.Commit(func(tx *store.Tx) { tx.Delete(gateway) })
	s.Commit(func(tx *store.Tx) { tx.Put("west", newGateway(), "gateway.yaml:1") })
	w.Apply(nil, []string{store.ReadObject(gateway)}, at(9))
	statusOf(t, s)
}

func TestRemovedWritesGo(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	change := wantStatus(programmed(metav1.ConditionTrue, ""))
	w.Apply([]recompute.WriteChange{change}, nil, at(0))
	change.Removed = true
	w.Apply([]recompute.WriteChange{change}, nil, at(1))
	if e := s.Snapshot().Get(gateway); e.Written != nil {
		t.Errorf("still written: %+v", e.Written)
	}
}

func derived(port int32) recompute.WriteChange {
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "derived"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: port}}},
	}
	return recompute.WriteChange{Write: recompute.Write{
		Ref: store.RefTo("west", service), Part: recompute.PartObject, Value: service,
	}}
}

func TestDerivedObjectLives(t *testing.T) {
	s := store.New()
	w := status.NewWriter(s, status.Limits{})
	change := derived(80)
	w.Apply([]recompute.WriteChange{change}, nil, at(0))
	first := s.Snapshot().Get(change.Ref).Object
	if first.GetUID() == "" || first.GetGeneration() != 1 || !first.GetCreationTimestamp().Time.Equal(at(0)) {
		t.Errorf("metadata: %+v", first)
	}
	w.Apply([]recompute.WriteChange{derived(81)}, nil, at(1))
	second := s.Snapshot().Get(change.Ref).Object
	if second.GetUID() != first.GetUID() || second.GetGeneration() != 2 {
		t.Errorf("after an edit: uid %s, generation %d", second.GetUID(), second.GetGeneration())
	}
	change.Removed = true
	w.Apply([]recompute.WriteChange{change}, nil, at(2))
	if s.Snapshot().Get(change.Ref) != nil {
		t.Error("it outlived its write")
	}
}

// TestDerivedObjectsAreShared: what is wanted in many clusters is in memory once, but for its metadata.
func TestDerivedObjectsAreShared(t *testing.T) {
	s := store.New()
	w := status.NewWriter(s, status.Limits{})
	west := derived(80)
	east := west
	east.Ref.Cluster = "east"
	w.Apply([]recompute.WriteChange{west, east}, nil, at(0))
	inWest, inEast := s.Snapshot().Get(west.Ref).Object.(*corev1.Service), s.Snapshot().Get(east.Ref).Object.(*corev1.Service)
	if &inWest.Spec.Ports[0] != &inEast.Spec.Ports[0] {
		t.Error("each has ports of its own")
	}
	if wanted := west.Value.(*corev1.Service); inWest.UID == inEast.UID || wanted.UID != "" {
		t.Errorf("UIDs: %q, %q, of what was wanted %q", inWest.UID, inEast.UID, wanted.UID)
	}
}

func TestTheUsersObjectWins(t *testing.T) {
	s := store.New()
	w := status.NewWriter(s, status.Limits{})
	users := derived(8080)
	s.Commit(func(tx *store.Tx) { tx.Put("west", users.Value.(store.Object), "service.yaml:1") })
	change := derived(80)
	w.Apply([]recompute.WriteChange{change}, nil, at(0))
	port := func() int32 { return s.Snapshot().Get(change.Ref).Object.(*corev1.Service).Spec.Ports[0].Port }
	if port() != 8080 {
		t.Error("the user's object was replaced")
	}
	s.Commit(func(tx *store.Tx) { tx.Delete(change.Ref) })
	w.Apply(nil, []string{store.ReadObject(change.Ref)}, at(1))
	if port() != 80 {
		t.Error("the derived object did not take its place")
	}
}

func event(key, reason, cause string) recompute.WriteChange {
	return recompute.WriteChange{Write: recompute.Write{Ref: gateway, Part: recompute.PartEvent, Key: key, Value: recompute.Event{
		Type: corev1.EventTypeNormal, Reason: reason, Message: "store/external-http", Source: "mc-gateway-controller", Cause: cause,
	}}}
}

func events(s *store.Store) map[string]*corev1.Event {
	out := map[string]*corev1.Event{}
	s.Snapshot().Walk("Event", "", "", func(e *store.Entry) bool {
		event := e.Object.(*corev1.Event)
		out[event.Reason] = event
		return true
	})
	return out
}

func TestEventsCount(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	for i, cause := range []string{"1", "1", "2", "3"} {
		w.Apply([]recompute.WriteChange{event("sync", "SYNC", cause)}, nil, at(10*i))
	}
	got := events(s)
	if len(got) != 1 {
		t.Fatalf("%d events, want 1", len(got))
	}
	e := got["SYNC"]
	if e.Count != 3 || !e.FirstTimestamp.Time.Equal(at(0)) || !e.LastTimestamp.Time.Equal(at(30)) {
		t.Errorf("count %d, first %v, last %v", e.Count, e.FirstTimestamp, e.LastTimestamp)
	}
	if e.InvolvedObject.UID != "u" || e.InvolvedObject.Kind != "Gateway" || e.Namespace != "store" {
		t.Errorf("about %+v in %q", e.InvolvedObject, e.Namespace)
	}
}

// TestAnObjectThatWasMadeAnewHasEventsOfItsOwn: kubectl shows those of its UID.
func TestAnObjectThatWasMadeAnewHasEventsOfItsOwn(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	w.Apply([]recompute.WriteChange{event("sync", "SYNC", "1")}, nil, at(0))
	gone := event("sync", "SYNC", "1")
	gone.Removed = true
	w.Apply([]recompute.WriteChange{gone}, nil, at(1))
	again := newGateway()
	again.UID = "v"
	s.Commit(func(tx *store.Tx) { tx.Put("west", again, "gateway.yaml:1") })
	w.Apply([]recompute.WriteChange{event("sync", "SYNC", "1")}, nil, at(2))
	counts := map[types.UID]int32{}
	s.Snapshot().Walk("Event", "", "", func(e *store.Entry) bool {
		event := e.Object.(*corev1.Event)
		counts[event.InvolvedObject.UID] += event.Count
		return true
	})
	if want := map[types.UID]int32{"u": 1, "v": 1}; !maps.Equal(counts, want) {
		t.Errorf("events by UID are %v, want %v", counts, want)
	}
}

func TestNamesOfEventsAreInOrder(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{})
	w.Apply([]recompute.WriteChange{event("1", "Scheduled", "1"), event("2", "Pulled", "1"), event("3", "Created", "1")}, nil, at(0))
	var reasons []string
	s.Snapshot().Walk("Event", "", "", func(e *store.Entry) bool {
		reasons = append(reasons, e.Object.(*corev1.Event).Reason)
		return true
	})
	if want := []string{"Scheduled", "Pulled", "Created"}; !slices.Equal(reasons, want) {
		t.Errorf("order %v, want %v", reasons, want)
	}
}

func TestEventsExpire(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{EventTTL: time.Minute})
	w.Apply([]recompute.WriteChange{event("add", "ADD", "1")}, nil, at(0))
	w.Apply([]recompute.WriteChange{event("sync", "SYNC", "1")}, nil, at(50))
	w.Expire(at(61))
	if got := events(s); got["ADD"] != nil || got["SYNC"] == nil {
		t.Errorf("left: %v", got)
	}
	w.Apply([]recompute.WriteChange{event("add", "ADD", "2")}, nil, at(70))
	if got := events(s)["ADD"]; got == nil || got.Count != 1 {
		t.Errorf("an expired event came back as %v", got)
	}
}

func TestEventsAreBounded(t *testing.T) {
	s := storeWithGateway()
	w := status.NewWriter(s, status.Limits{MaxEvents: 3})
	for i := range 5 {
		w.Apply([]recompute.WriteChange{event(fmt.Sprint(i), fmt.Sprint("R", i), "1")}, nil, at(i))
	}
	got := events(s)
	if len(got) != 3 || got["R0"] != nil || got["R4"] == nil {
		t.Errorf("kept %v", got)
	}
}

// TestConditionsStandBesideAStatus: the kubelet owns a Pod's status, and somebody else one condition of it.
func TestConditionsStandBesideAStatus(t *testing.T) {
	pod := store.Ref{Cluster: "west", Kind: "Pod", Namespace: "store", Name: "app-1"}
	s := store.New()
	s.Commit(func(tx *store.Tx) {
		tx.Put("west", &corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "app-1"},
			Status: corev1.PodStatus{Phase: corev1.PodPending},
		}, "app.yaml:1")
	})
	w := status.NewWriter(s, status.Limits{})
	gate := func(is corev1.ConditionStatus, removed bool) recompute.WriteChange {
		return recompute.WriteChange{Removed: removed, Write: recompute.Write{
			Ref: pod, Part: recompute.PartCondition, Key: "example.com/gate", Value: corev1.PodCondition{Type: "example.com/gate", Status: is},
		}}
	}
	kubelet := func(phase corev1.PodPhase) recompute.WriteChange {
		return recompute.WriteChange{Write: recompute.Write{Ref: pod, Part: recompute.PartStatus, Value: &corev1.PodStatus{
			Phase: phase, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}},
		}}}
	}
	for _, step := range []struct {
		change recompute.WriteChange
		want   string
	}{
		{gate(corev1.ConditionFalse, false), "Pending [example.com/gate=False]"},
		{kubelet(corev1.PodRunning), "Running [Ready=False example.com/gate=False]"},
		{gate(corev1.ConditionTrue, false), "Running [Ready=False example.com/gate=True]"},
		{kubelet(corev1.PodFailed), "Failed [Ready=False example.com/gate=True]"},
		{gate("", true), "Failed [Ready=False]"},
	} {
		w.Apply([]recompute.WriteChange{step.change}, nil, start)
		got := s.Snapshot().Get(pod).Written.Status.(*corev1.PodStatus)
		var conditions []string
		for _, c := range got.Conditions {
			conditions = append(conditions, string(c.Type)+"="+string(c.Status))
			if c.LastTransitionTime.IsZero() {
				t.Errorf("%s has no time", c.Type)
			}
		}
		if text := fmt.Sprint(got.Phase, " ", conditions); text != step.want {
			t.Errorf("%s, want %s", text, step.want)
		}
	}
}

// TestAPodThatTerminatesIsSpokenOf: what is said of it changes, and does not end it.
func TestAPodThatTerminatesIsSpokenOf(t *testing.T) {
	s := store.New()
	w := status.NewWriter(s, status.Limits{})
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "p"}}
	ref := store.RefTo("west", pod)
	want := func(part recompute.Part, value any) {
		w.Apply([]recompute.WriteChange{{Write: recompute.Write{Ref: ref, Part: part, Value: value}}}, nil, start)
	}
	want(recompute.PartObject, pod)
	want(recompute.PartStatus, &corev1.PodStatus{Phase: corev1.PodRunning})
	leaving := pod.DeepCopy()
	leaving.DeletionTimestamp = &metav1.Time{Time: at(30)}
	want(recompute.PartObject, leaving)
	want(recompute.PartStatus, &corev1.PodStatus{Phase: corev1.PodRunning, Message: "not ready any more"})
	entry := s.Snapshot().Get(ref)
	if entry == nil {
		t.Fatal("its status took it away")
	}
	if said := entry.Written.Status.(*corev1.PodStatus).Message; said != "not ready any more" {
		t.Errorf("it says %q", said)
	}
	before := s.Snapshot().Revision()
	w.Apply(nil, []string{store.ReadObject(ref)}, at(1))
	if s.Snapshot().Revision() != before {
		t.Error("what is as it should be was written again")
	}
}
