package main

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/spillway-lb/spillway/internal/printer"
)

func TestAWatchPrintsWhatIsNewOrChanged(t *testing.T) {
	kind, err := printer.Lookup("pods")
	if err != nil {
		t.Fatal(err)
	}
	pod := func(name, version string) printer.Object {
		o := &unstructured.Unstructured{Object: map[string]any{}}
		o.SetName(name)
		o.SetResourceVersion(version)
		return o
	}
	seen := map[string]string{}
	for i, step := range []struct {
		objects []printer.Object
		want    int
	}{
		{[]printer.Object{pod("a", "1"), pod("b", "1")}, 2},
		{[]printer.Object{pod("a", "1"), pod("b", "1")}, 0},
		{[]printer.Object{pod("a", "2"), pod("b", "1"), pod("c", "2")}, 2},
	} {
		if got := changed(seen, printer.List{Kind: kind, Objects: step.objects}); len(got) != step.want {
			t.Errorf("step %d: %d objects, want %d", i, len(got), step.want)
		}
	}
}
