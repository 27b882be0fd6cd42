package gcloud_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/gcloud"
)

// TestFlatten: a member stands where its list was, and what was flattened is not changed.
func TestFlatten(t *testing.T) {
	query, err := gcloud.Parse(gcloud.Flags{Flatten: "backends[]", Format: "csv(name,backends.group.basename())"})
	if err != nil {
		t.Fatal(err)
	}
	all := resources()
	var got strings.Builder
	if err := query.PrintList(&got, query.Select(all)); err != nil {
		t.Fatal(err)
	}
	if want := "name,group\nweb-blue,a\nweb-blue,b\nweb-green,\nstore,\n"; got.String() != want {
		t.Errorf("%q, want %q", got.String(), want)
	}
	if !reflect.DeepEqual(all, resources()) {
		t.Error("what was flattened is another now")
	}
	deep := []map[string]any{{"a": map[string]any{"b": []any{1, 2}, "c": 3}}}
	query, err = gcloud.Parse(gcloud.Flags{Flatten: "a.b[]", Format: "json"})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{"a": map[string]any{"b": 1, "c": 3}}, {"a": map[string]any{"b": 2, "c": 3}}}
	if got := query.Select(deep); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
