package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/spillway-lb/spillway/internal/printer"
)

func TestAWatchPrintsWhatIsNewOrChangedOrGone(t *testing.T) {
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
	seen := map[string]printer.List{}
	for i, step := range []struct {
		objects []printer.Object
		want    int
	}{
		{[]printer.Object{pod("a", "1"), pod("b", "1")}, 2},
		{[]printer.Object{pod("a", "1"), pod("b", "1")}, 0},
		{[]printer.Object{pod("a", "2"), pod("b", "1"), pod("c", "2")}, 2},
		{[]printer.Object{pod("b", "1"), pod("c", "2")}, 1},
		{[]printer.Object{pod("a", "2"), pod("b", "1"), pod("c", "2")}, 1},
	} {
		if got := changes(seen, []printer.List{{Kind: kind, Objects: step.objects}}); len(got) != step.want {
			t.Errorf("step %d: %d objects, want %d", i, len(got), step.want)
		}
	}
}

func TestAWatchPrintsDocuments(t *testing.T) {
	pods, err := printer.Lookup("pods")
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{
		"name":                      "pod/a\npod/a\n",
		"yaml":                      "metadata:\n  name: a\n---\nmetadata:\n  name: a\n",
		"jsonpath={.metadata.name}": "a\na\n",
		"json":                      "{\n    \"metadata\": {\n        \"name\": \"a\"\n    }\n}\n{\n    \"metadata\": {\n        \"name\": \"a\"\n    }\n}\n",
	} {
		output, err := printer.ParseOutput(format)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		p := watchPrinter{w: &got, output: output}
		object := &unstructured.Unstructured{Object: map[string]any{}}
		object.SetName("a")
		for range 2 {
			if err := p.print(printer.List{Kind: pods, Objects: []printer.Object{object}}); err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != want {
			t.Errorf("-o %s: %q, want %q", format, got.String(), want)
		}
	}
}
