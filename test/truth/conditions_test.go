package truth_test

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// condition is one of an object's, wherever it stands in the status.
type condition struct {
	where, kind, status, reason, message string
	generation                           int64
}

func (c condition) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s=%s %s@%d: %s", c.where, c.kind, c.status, c.reason, c.generation, c.message))
}

// conditionsOf lists the conditions of an object: its own, those of its parents, listeners and ancestors.
func conditionsOf(o *unstructured.Unstructured) []condition {
	if o == nil {
		return nil
	}
	status, _, _ := unstructured.NestedMap(o.Object, "status")
	out := conditionsIn("", status)
	for _, list := range []string{"parents", "listeners", "ancestors"} {
		entries, _, _ := unstructured.NestedSlice(status, list)
		for _, entry := range entries {
			if m, ok := entry.(map[string]any); ok {
				name, _ := m["name"].(string)
				out = append(out, conditionsIn(name, m)...)
			}
		}
	}
	return out
}

func conditionsIn(where string, m map[string]any) []condition {
	list, _, _ := unstructured.NestedSlice(m, "conditions")
	var out []condition
	for _, entry := range list {
		c, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		text := func(field string) string {
			s, _ := c[field].(string)
			return s
		}
		generation, _ := c["observedGeneration"].(int64)
		out = append(out, condition{where, text("type"), text("status"), text("reason"), text("message"), generation})
	}
	return out
}

// allTrue says whether the object has conditions of these kinds, and all of them are True for its generation.
func allTrue(o *unstructured.Unstructured, where string, kinds ...string) bool {
	found := map[string]bool{}
	for _, c := range conditionsOf(o) {
		if c.where != where {
			continue
		}
		for _, kind := range kinds {
			if c.kind == kind {
				if c.status != "True" || c.generation != o.GetGeneration() {
					return false
				}
				found[kind] = true
			}
		}
	}
	return len(found) == len(kinds)
}
