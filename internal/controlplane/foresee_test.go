package controlplane

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestWhatIsForeseenDoesNotCount: the writes of an edit come back, and neither the store nor what is published knows of it.
func TestWhatIsForeseenDoesNotCount(t *testing.T) {
	l, e, s := startLoop(t)
	eventually(t, "published", func() bool { return e.seq() == 1 })
	other := &gatewayv1.Gateway{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "other", Generation: 1},
	}
	edit := func(tx *store.Tx) { tx.Put("c", other, "") }
	ref := store.RefTo("c", other)
	for range 3 {
		writes, err := l.Foresee(t.Context(), edit)
		if err != nil || len(writes) != 1 || writes[0].Ref != ref || writes[0].Part != recompute.PartStatus || writes[0].Value != "nothing" {
			t.Fatalf("foreseen: %+v, %v", writes, err)
		}
	}
	if e.Get("backend_service", "other") != nil || s.Snapshot().Get(ref) != nil {
		t.Error("what was foreseen has happened")
	}
	s.Commit(edit)
	eventually(t, "made", func() bool { return e.Get("backend_service", "other") != nil })
	if writes, err := l.Foresee(t.Context(), edit); err != nil || len(writes) != 0 {
		t.Errorf("what is there already changes %+v, %v", writes, err)
	}
}

func TestForeseeWaitsForNobody(t *testing.T) {
	s, e := store.New(), &ends{model: map[string]*lbv1.Resource{}}
	l := New(Config{Store: s, Model: e, Applier: applier{e}, Say: t.Logf, Now: time.Now, Engine: recompute.New(recompute.Config{})})
	l.To(e)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Foresee(ended, func(*store.Tx) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("a loop that does not run: %v", err)
	}
	go l.Run(t.Context())
	if _, err := l.Foresee(t.Context(), func(*store.Tx) {}); !errors.Is(err, ErrNoRoundYet) {
		t.Errorf("before the first round: %v", err)
	}
}

// TestForesightThatPanics is a fault of what was asked about; the loop goes on.
func TestForesightThatPanics(t *testing.T) {
	l, e, s := startLoop(t)
	eventually(t, "published", func() bool { return e.seq() == 1 })
	if _, err := l.Foresee(t.Context(), func(*store.Tx) { panic("no such luck") }); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("it panics: %v", err)
	}
	put(s, "22")
	eventually(t, "published again", func() bool { return e.seq() == 2 })
}
