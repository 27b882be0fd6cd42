package schema

import (
	"fmt"
	"strings"
	"testing"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/spillway-lb/spillway/internal/manifests/document"
)

// breach is a value that breaks one constraint of a schema, alone at its path.
type breach struct {
	name, path string
	object     map[string]any
}

// TestEveryConstraintIsHeld breaks every constraint of every CRD's spec (type, enum, pattern, lengths, ranges, counts,
// required and unknown fields) one at a time, and wants it reported at its path, quickly told from a valid value.
func TestEveryConstraintIsHeld(t *testing.T) {
	r := NewRegistry()
	total := 0
	for gvk, lazy := range r.crds {
		c, err := lazy.get()
		if err != nil {
			t.Fatal(err)
		}
		spec, ok := c.structural.Properties["spec"]
		if !ok {
			continue
		}
		walk := breaches{gvk: gvk}
		walk.visit("spec", spec, func(v any) map[string]any { return map[string]any{"spec": v} })
		for _, b := range walk.found {
			total++
			checkBreach(t, c, gvk, b)
		}
	}
	if total < 2000 {
		t.Errorf("only %d constraints were found", total)
	}
}

func checkBreach(t *testing.T, c *crd, gvk schema.GroupVersionKind, b breach) {
	t.Helper()
	b.object["apiVersion"], b.object["kind"], b.object["metadata"] = gvk.GroupVersion().String(), gvk.Kind, map[string]any{"name": "x"}
	if c.quick.object(runtime.DeepCopyJSON(b.object)) {
		t.Errorf("%s %s: the quick check takes it for valid", gvk.Kind, b.name)
	}
	violations := c.check(b.object)
	for _, v := range violations {
		if strings.HasPrefix(v.Path, b.path) {
			return
		}
	}
	t.Errorf("%s %s: not reported at %s, but %v", gvk.Kind, b.name, b.path, violations)
}

// breaches walks a schema.
type breaches struct {
	gvk   schema.GroupVersionKind
	found []breach
}

func (w *breaches) add(constraint, path string, wrap func(any) map[string]any, value any) {
	w.found = append(w.found, breach{name: path + " " + constraint, path: path, object: wrap(value)})
}

func (w *breaches) visit(path string, s structuralschema.Structural, wrap func(any) map[string]any) {
	w.add("type", path, wrap, wrongType(s.Type))
	if v := s.ValueValidation; v != nil {
		w.constraints(path, s, v, wrap)
	}
	if s.Type == "object" && s.AdditionalProperties == nil {
		w.add("unknown field", path+".noSuchField", wrap, map[string]any{"noSuchField": int64(1)})
	}
	for name, property := range s.Properties {
		w.visit(path+"."+name, property, func(v any) map[string]any { return wrap(map[string]any{name: v}) })
	}
	if s.Items != nil {
		w.visit(path+"[0]", *s.Items, func(v any) map[string]any { return wrap([]any{v}) })
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil {
		w.visit(path+".key", *s.AdditionalProperties.Structural, func(v any) map[string]any { return wrap(map[string]any{"key": v}) })
	}
}

func (w *breaches) constraints(path string, s structuralschema.Structural, v *structuralschema.ValueValidation, wrap func(any) map[string]any) {
	if len(v.Enum) > 0 {
		w.add("enum", path, wrap, "noSuchValue")
	}
	if v.Pattern != "" {
		w.add("pattern", path, wrap, unmatched(v.Pattern))
	}
	if v.MinLength != nil && *v.MinLength > 0 {
		w.add("minLength", path, wrap, "")
	}
	if v.MaxLength != nil {
		w.add("maxLength", path, wrap, strings.Repeat("a", int(*v.MaxLength)+1))
	}
	if v.Minimum != nil {
		w.add("minimum", path, wrap, int64(*v.Minimum)-1)
	}
	if v.Maximum != nil {
		w.add("maximum", path, wrap, int64(*v.Maximum)+1)
	}
	if v.MinItems != nil && *v.MinItems > 0 {
		w.add("minItems", path, wrap, []any{})
	}
	if v.MaxItems != nil {
		w.add("maxItems", path, wrap, make([]any, *v.MaxItems+1))
	}
	if v.MinProperties != nil && *v.MinProperties > 0 {
		w.add("minProperties", path, wrap, map[string]any{})
	}
	if v.MaxProperties != nil {
		many := map[string]any{}
		for i := range *v.MaxProperties + 1 {
			many[fmt.Sprintf("key%d", i)] = "v"
		}
		w.add("maxProperties", path, wrap, many)
	}
	for _, name := range v.Required {
		if s.Type == "object" && s.Properties[name].Default.Object == nil { // what has a default is always there
			w.add("required", path+"."+name, wrap, map[string]any{})
		}
	}
}

func wrongType(kind string) any {
	if kind == "string" {
		return map[string]any{}
	}
	return "text"
}

// unmatched finds a text that a pattern refuses.
func unmatched(pattern string) string {
	q := &quick{}
	q.constrain(&structuralschema.ValueValidation{Pattern: pattern})
	for _, text := range []string{" ", "a b", "-", "", "Ā", "/", "5 s"} {
		if !q.text(text) {
			return text
		}
	}
	return "\n"
}

func TestOldVersions(t *testing.T) {
	docs, _ := document.Parse([]byte("apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\nmetadata: {name: x}\nspec: {}\n"))
	result := NewRegistry().Check(docs[0])
	if result.Object == nil || result.Object.GetObjectKind().GroupVersionKind().Version != "v1" {
		t.Errorf("%+v", result)
	}
	if k := NewRegistry().Kind(schema.GroupKind{Kind: "Service"}); k == nil || k.Ref() != "Service" || !k.Namespaced {
		t.Errorf("Service is %+v", k)
	}
}

// The table of kinds, the Go types and the CRDs' versions agree.
func TestEveryKindHasAType(t *testing.T) {
	types := objectTypes()
	for _, k := range kinds() {
		if k.new == nil {
			t.Errorf("%s has no Go type", k.Ref())
			continue
		}
		delete(types, k.Ref())
		if !k.Custom {
			continue
		}
		for _, version := range append([]string{k.Version}, k.Older...) {
			if _, err := compile(k.Group, k.Plural, version); err != nil {
				t.Errorf("%s: %v", k.Ref(), err)
			}
		}
	}
	for ref := range types {
		t.Errorf("%s has a Go type and no row in the table of kinds", ref)
	}
}
