package status_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

func wanted() []recompute.WriteChange {
	return []recompute.WriteChange{
		wantStatus(programmed(metav1.ConditionTrue, "a")), wantAnnotations(map[string]string{"networking.gke.io/url-maps": ""}),
		event("add", "ADD", ""), event("sync", "SYNC", "1"),
	}
}

// TestARestartedWriterSaysNothing: what an earlier process wrote is read from the live objects.
func TestARestartedWriterSaysNothing(t *testing.T) {
	s := storeWithGateway()
	status.NewWriter(s, status.Limits{}).Apply(wanted(), nil, at(0))
	before := s.Snapshot().Revision()
	restarted := status.NewWriter(s, status.Limits{})
	restarted.Apply(wanted(), []string{store.ReadObject(gateway)}, at(100))
	if after := s.Snapshot().Revision(); after != before {
		t.Errorf("revision went from %d to %d", before, after)
	}
	// What is new then is said.
	changes := wanted()
	changes[3] = event("sync", "SYNC", "2")
	restarted.Apply(changes, nil, at(200))
	got := events(s)
	if got["ADD"].Count != 1 || got["SYNC"].Count != 2 {
		t.Errorf("ADD %d times, SYNC %d times", got["ADD"].Count, got["SYNC"].Count)
	}
	if c := statusOf(t, s).Conditions[0]; !c.LastTransitionTime.Time.Equal(at(0)) {
		t.Errorf("the condition's time is %v", c.LastTransitionTime)
	}
}

// TestExpiredEventsAreNotToldAgain: a status that stands as it is to be has been told of.
func TestExpiredEventsAreNotToldAgain(t *testing.T) {
	s := storeWithGateway()
	first := status.NewWriter(s, status.Limits{EventTTL: time.Minute})
	first.Apply(wanted(), nil, at(0))
	first.Expire(at(3600))
	if n := len(events(s)); n != 0 {
		t.Fatalf("%d events are left", n)
	}
	restarted := status.NewWriter(s, status.Limits{})
	restarted.Apply(wanted(), nil, at(3601))
	if got := events(s); len(got) != 0 {
		t.Errorf("told again: %v", got)
	}
	// Another status is news, with its events.
	s2 := storeWithGateway()
	status.NewWriter(s2, status.Limits{EventTTL: time.Minute}).Apply(wanted()[:2], nil, at(0))
	changes := wanted()
	changes[0] = wantStatus(programmed(metav1.ConditionFalse, "b"))
	status.NewWriter(s2, status.Limits{}).Apply(changes, nil, at(10))
	if got := events(s2); len(got) != 2 {
		t.Errorf("events %v", got)
	}
}

// TestAnEventOfAnEarlierProcessIsTheSame: also without a status, by its cause; once it is no longer wanted, it is news.
func TestAnEventOfAnEarlierProcessIsTheSame(t *testing.T) {
	s := storeWithGateway()
	status.NewWriter(s, status.Limits{}).Apply([]recompute.WriteChange{event("sync", "SYNC", "1")}, nil, at(0))
	count := func() int32 { return events(s)["SYNC"].Count }
	w := status.NewWriter(s, status.Limits{})
	for i, step := range []struct {
		cause string
		gone  bool
		want  int32
	}{{"1", false, 1}, {"2", false, 2}, {"2", true, 2}, {"2", false, 3}} {
		c := event("sync", "SYNC", step.cause)
		c.Removed = step.gone
		w.Apply([]recompute.WriteChange{c}, nil, at(i))
		if count() != step.want {
			t.Errorf("step %d: count %d, want %d", i, count(), step.want)
		}
	}
	// Expiry counts from when the earlier process saw it.
	w = status.NewWriter(s, status.Limits{EventTTL: time.Minute})
	w.Apply([]recompute.WriteChange{event("sync", "SYNC", "2")}, nil, at(5))
	w.Expire(at(62))
	if n := len(events(s)); n != 1 {
		t.Errorf("%d events", n)
	}
	w.Expire(at(64))
	if n := len(events(s)); n != 0 {
		t.Errorf("%d events", n)
	}
}

var routeRef = store.Ref{Cluster: "west", Kind: "HTTPRoute.gateway.networking.k8s.io", Namespace: "store", Name: "r"}

func routeWith(parents ...gatewayv1.RouteParentStatus) *gatewayv1.HTTPRoute {
	return &gatewayv1.HTTPRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "HTTPRoute"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "r"},
		Status:     gatewayv1.HTTPRouteStatus{RouteStatus: gatewayv1.RouteStatus{Parents: parents}},
	}
}

func parent(controller, condition string) gatewayv1.RouteParentStatus {
	return gatewayv1.RouteParentStatus{
		ControllerName: gatewayv1.GatewayController(controller), ParentRef: gatewayv1.ParentReference{Name: "g"},
		Conditions: []metav1.Condition{{Type: condition, Status: metav1.ConditionTrue}},
	}
}

// TestOtherControllersKeepTheirEntries in the lists of a status; ours of an earlier time goes.
func TestOtherControllersKeepTheirEntries(t *testing.T) {
	s := store.New()
	put := func(parents ...gatewayv1.RouteParentStatus) {
		s.Commit(func(tx *store.Tx) { tx.Put("west", routeWith(parents...), "r.yaml:1") })
	}
	said := func() string {
		var out []string
		for _, p := range s.Snapshot().Get(routeRef).Written.Status.(*gatewayv1.HTTPRouteStatus).Parents {
			out = append(out, string(p.ControllerName)+"/"+p.Conditions[0].Type)
		}
		return strings.Join(out, " ")
	}
	put(parent("ours", "Old"), parent("theirs", "A"))
	w := status.NewWriter(s, status.Limits{})
	ours := routeWith(parent("ours", "New"))
	w.Apply([]recompute.WriteChange{{Write: recompute.Write{Ref: routeRef, Part: recompute.PartStatus, Value: &ours.Status}}}, nil, at(0))
	if got := said(); got != "ours/New theirs/A" {
		t.Errorf("said %s", got)
	}
	if len(ours.Status.Parents) != 1 {
		t.Error("the translator's value was changed")
	}
	sub := s.Subscribe()
	sub.Take()
	put(parent("theirs", "B"), parent("others", "C"))
	_, touched := sub.Take()
	if !slices.Equal(touched, []string{store.ReadStatus(routeRef)}) {
		t.Fatalf("touched %q", touched)
	}
	w.Apply(nil, touched, at(1))
	if got := said(); got != "ours/New theirs/B others/C" {
		t.Errorf("said %s", got)
	}
}

// TestRequiredListsAreNotNull: an API server refuses "parents: null".
func TestRequiredListsAreNotNull(t *testing.T) {
	s := store.New()
	s.Commit(func(tx *store.Tx) { tx.Put("west", routeWith(), "r.yaml:1") })
	w := status.NewWriter(s, status.Limits{})
	w.Apply([]recompute.WriteChange{{Write: recompute.Write{Ref: routeRef, Part: recompute.PartStatus, Value: &gatewayv1.HTTPRouteStatus{}}}}, nil, at(0))
	b, err := json.Marshal(s.Snapshot().Get(routeRef).Written.Status)
	if err != nil || string(b) != `{"parents":[]}` {
		t.Errorf("wrote %s, %v", b, err)
	}
}

// TestAnObjectKeepsItsStatusUntilOneIsSaid: a derived object of an earlier process is written before its status is.
func TestAnObjectKeepsItsStatusUntilOneIsSaid(t *testing.T) {
	s := store.New()
	object := func() recompute.WriteChange {
		o := &gatewayv1.Gateway{TypeMeta: metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway"}, ObjectMeta: metav1.ObjectMeta{Namespace: gateway.Namespace, Name: gateway.Name}}
		return recompute.WriteChange{Write: recompute.Write{Ref: gateway, Part: recompute.PartObject, Value: o}}
	}
	status.NewWriter(s, status.Limits{}).Apply([]recompute.WriteChange{object(), wantStatus(programmed(metav1.ConditionTrue, "a"))}, nil, at(0))
	before := s.Snapshot().Revision()
	restarted := status.NewWriter(s, status.Limits{})
	restarted.Apply([]recompute.WriteChange{object()}, nil, at(100))
	if after := s.Snapshot().Revision(); after != before || len(statusOf(t, s).Conditions) != 1 {
		t.Errorf("revision went from %d to %d; the status is %v", before, after, statusOf(t, s))
	}
	gone := wantStatus(nil)
	gone.Removed = true
	restarted.Apply([]recompute.WriteChange{gone}, nil, at(200))
	if w := s.Snapshot().Get(gateway).Written; w != nil {
		t.Errorf("a status that was taken back is %v", w)
	}
}
