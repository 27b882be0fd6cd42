package translate_test

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// TestOnceEnds when nothing is written, when it is told to, and when it would go on for ever.
func TestOnceEnds(t *testing.T) {
	member := func(name string) store.Object {
		return &spillwayv1alpha1.Cluster{
			TypeMeta: metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"}, ObjectMeta: metav1.ObjectMeta{Name: name},
		}
	}
	s := store.New(translate.Indexes()...)
	put := func(name string) { s.Commit(func(tx *store.Tx) { tx.Put("", member(name), "test") }) }
	put("a")
	rounds := 0
	if err := translate.Once(s, translate.Options{}, func(translate.Round) error { rounds++; return nil }); err != nil || rounds != 1 {
		t.Errorf("%d rounds, %v", rounds, err)
	}
	stop := errors.New("stop")
	if err := translate.Once(s, translate.Options{}, func(translate.Round) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("told to stop: %v", err)
	}
	rounds = 0
	err := translate.Once(s, translate.Options{}, func(translate.Round) error {
		rounds++
		put(string(rune('a' + rounds)))
		return nil
	})
	if err == nil || rounds > 100 {
		t.Errorf("%d rounds that write something, %v", rounds, err)
	}
}
