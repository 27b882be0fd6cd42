package control_test

import (
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/store"
)

func httpRoute(finalizers ...string) *gatewayv1.HTTPRoute {
	return &gatewayv1.HTTPRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "HTTPRoute"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "r", Finalizers: finalizers},
	}
}

// TestAFinalizerIsShownOnce: a manifest that was read from a cluster has those that Spillway writes, too.
func TestAFinalizerIsShownOnce(t *testing.T) {
	content, err := control.Content(&store.Entry{Object: httpRoute("a", "b"), Written: &store.Written{Finalizers: []string{"b", "c"}}}, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := content["metadata"].(map[string]any)["finalizers"]; !reflect.DeepEqual(got, []any{"a", "b", "c"}) {
		t.Errorf("finalizers %v", got)
	}
}

// TestAStatusThatNobodyWroteIsNotShown, not even as "parents: null".
func TestAStatusThatNobodyWroteIsNotShown(t *testing.T) {
	content, err := control.Content(&store.Entry{Object: httpRoute()}, true)
	if err != nil {
		t.Fatal(err)
	}
	if status, ok := content["status"]; ok {
		t.Errorf("status %v", status)
	}
}
