package status_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

func classNamed(name string) *gatewayv1.GatewayClass {
	return &gatewayv1.GatewayClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "GatewayClass"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
}

// TestWhatAnEarlierProcessMadeAndNobodyWantsGoes: as soon as all is listed, and a round has known so; not before, not the wanted, and
// not what others made.
func TestWhatAnEarlierProcessMadeAndNobodyWantsGoes(t *testing.T) {
	s := store.New()
	sub := s.Subscribe()
	w := status.NewWriter(s, status.Limits{})
	listed := fact.Listed("west", "GatewayClass.gateway.networking.k8s.io")
	ref := func(name string) store.Ref { return store.RefTo("west", classNamed(name)) }
	s.Commit(func(tx *store.Tx) {
		tx.SetFact(listed, false)
		for _, name := range []string{"wanted", "left", "theirs"} {
			o := status.Mark(classNamed(name), map[string]string{"theirs": "b"}[name]+"a")
			o.SetResourceVersion("1")
			tx.Put("west", o, status.OriginOf(o, "a"))
		}
	})
	want := recompute.WriteChange{Write: recompute.Write{Ref: ref("wanted"), Part: recompute.PartObject, Value: classNamed("wanted")}}
	round := func(changes ...recompute.WriteChange) {
		_, touched := sub.Take()
		w.Apply(changes, touched, at(0))
	}
	doomed := func() (names []string) {
		s.Snapshot().Walk("GatewayClass.gateway.networking.k8s.io", "", "", func(e *store.Entry) bool {
			if status.Doomed(e) {
				names = append(names, e.Ref.Name)
			}
			return true
		})
		return names
	}
	round()
	round()
	if got := doomed(); got != nil {
		t.Fatalf("before all was listed: %v", got)
	}
	s.Commit(func(tx *store.Tx) { tx.SetFact(listed, nil) })
	w.Apply(nil, nil, at(1)) // not of a round that has seen it
	if got := doomed(); got != nil {
		t.Fatalf("before a round knew: %v", got)
	}
	round(want)
	round()
	if got := doomed(); len(got) != 1 || got[0] != "left" {
		t.Errorf("doomed: %v", got)
	}
	// An event that is late brings it back; it is not wanted still.
	late := status.Mark(classNamed("left"), "a")
	late.SetResourceVersion("2")
	s.Commit(func(tx *store.Tx) { tx.Put("west", late, status.Origin) })
	round()
	if got := doomed(); len(got) != 1 {
		t.Errorf("doomed: %v", got)
	}
}
