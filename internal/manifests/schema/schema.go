// Package schema checks one manifest as an API server would when it is created, offline, and decodes it.
//
// In: a document of package document. Out: the typed object with the API's defaults, and every rule that it breaks:
// unknown and duplicate fields, metadata, OpenAPI schema, list types, CEL rules, or for the built-in kinds their
// hand-written rules. Each violation carries the path of its field, which the document turns into a line and column.
//
//	registry := schema.NewRegistry()
//	result := registry.Check(doc)
//
// The CRD of a kind is compiled on first use, once; a Registry is safe for concurrent use. What an API server does
// only on updates (immutable fields, transition rules) is not done: an edited file is a new object with an old name.
package schema

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/spillway-lb/spillway/internal/manifests/decode"
	"github.com/spillway-lb/spillway/internal/manifests/document"
	"github.com/spillway-lb/spillway/internal/store"
)

// Rules beyond those of package document.
const (
	RuleUnknownKind = "UnknownKind"
)

// Result is what a check found.
type Result struct {
	// Kind is nil if the kind is not one of Spillway's.
	Kind *Kind
	// Group, Name and Namespace are what the manifest says of itself, with the default namespace, whether valid or not.
	GroupKind schema.GroupKind
	Name      string
	Namespace string
	// Unplaced: the manifest of a namespaced object names no namespace; Namespace and the object's are "default".
	Unplaced bool
	// Object is nil if the object cannot be used.
	Object store.Object
	// Violations are in the order of the document.
	Violations []document.Violation
}

// Registry knows the kinds. Make one with NewRegistry.
type Registry struct {
	kinds   map[schema.GroupKind]*Kind
	crds    map[schema.GroupVersionKind]*lazyCRD
	decoder *decode.Decoder
}

// NewRegistry is cheap: nothing is compiled yet.
func NewRegistry() *Registry {
	r := &Registry{
		kinds:   map[schema.GroupKind]*Kind{},
		crds:    map[schema.GroupVersionKind]*lazyCRD{},
		decoder: &decode.Decoder{},
	}
	for _, k := range kinds() {
		r.kinds[schema.GroupKind{Group: k.Group, Kind: k.Name}] = &k
		if !k.Custom {
			continue
		}
		for _, version := range append([]string{k.Version}, k.Older...) {
			gvk := schema.GroupVersionKind{Group: k.Group, Version: version, Kind: k.Name}
			r.crds[gvk] = newLazyCRD(k.Group, k.Plural, version)
		}
	}
	return r
}

// Kind returns nil if the kind is not one of Spillway's.
func (r *Registry) Kind(gk schema.GroupKind) *Kind { return r.kinds[gk] }

// Check validates, defaults and decodes one document. It may change the document's Value.
func (r *Registry) Check(doc *document.Document) Result {
	result := Result{Violations: doc.Violations}
	if doc.Value == nil {
		return result
	}
	gvk, violations := identify(doc.Value)
	result.GroupKind = gvk.GroupKind()
	result.Violations = append(result.Violations, violations...)
	if len(violations) > 0 {
		return result
	}
	k := r.kinds[gvk.GroupKind()]
	if k == nil {
		result.Violations = append(result.Violations, r.unknownKind(gvk))
		return result
	}
	if !k.accepts(gvk.Version) {
		result.Violations = append(result.Violations, document.Violation{
			Path: "apiVersion", Rule: RuleUnknownKind,
			Message: fmt.Sprintf("there is no version %q of %s; use %s", gvk.Version, gvk.GroupKind(), k.APIVersion()),
		})
		return result
	}
	result.Kind = k
	r.checkKnown(doc, gvk, &result)
	for i := range result.Violations {
		explainScalar(&result.Violations[i])
	}
	doc.SortViolations(result.Violations)
	return result
}

// explainScalar tells what YAML makes of words and numbers without quotes.
func explainScalar(v *document.Violation) {
	if v.Rule != string(field.ErrorTypeTypeInvalid) || !strings.Contains(v.Message, "must be of type string") {
		return
	}
	switch {
	case strings.Contains(v.Message, `"boolean"`):
		v.Message += " (quote it: yes, no, on, off, y, n, true and false are booleans in YAML)"
	case strings.Contains(v.Message, `"integer"`), strings.Contains(v.Message, `"number"`):
		v.Message += " (quote it to make it a string)"
	}
}

// checkKnown fills the object in unless a violation forbids it.
func (r *Registry) checkKnown(doc *document.Document, gvk schema.GroupVersionKind, result *Result) {
	k := result.Kind
	object := k.new()
	result.Violations = append(result.Violations, k.dropStatus(doc.Value)...)
	namesNamespace := namespaceOf(doc.Value) != ""
	meta, violations := r.checkMeta(doc.Value, k)
	result.Unplaced = k.Namespaced && !namesNamespace
	result.Name, result.Namespace = meta.Name, meta.Namespace
	result.Violations = append(result.Violations, violations...)
	var errs field.ErrorList
	if k.Custom {
		crd, err := r.crds[gvk].get()
		if err != nil {
			result.Violations = append(result.Violations, document.Violation{Rule: "InternalError", Message: err.Error()})
			return
		}
		result.Violations = append(result.Violations, replaceAliases(gvk.GroupKind(), doc.Value)...)
		result.Violations = append(result.Violations, crd.check(doc.Value)...)
	}
	delete(doc.Value, "metadata")
	if !k.Custom || !blocked(result.Violations) {
		result.Violations = append(result.Violations, r.decoder.Into(doc.Value, object)...)
	}
	k.finish(object, meta)
	if !k.Custom && !blocked(result.Violations) {
		errs = k.validate(object)
		result.Violations = append(result.Violations, document.FromField(errs)...)
	}
	if !blocked(result.Violations) {
		result.Object = object
	}
}

func blocked(vs []document.Violation) bool {
	for _, v := range vs {
		if !v.Warning {
			return true
		}
	}
	return false
}

// identify reads apiVersion and kind.
func identify(value map[string]any) (schema.GroupVersionKind, []document.Violation) {
	var violations []document.Violation
	read := func(name string) string {
		text, ok := value[name].(string)
		if !ok || text == "" {
			violations = append(violations, document.Violation{
				Path: name, Rule: string(field.ErrorTypeRequired), Message: "Required value: every manifest names its apiVersion and kind",
			})
		}
		return text
	}
	apiVersion, kind := read("apiVersion"), read("kind")
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		violations = append(violations, document.Violation{Path: "apiVersion", Rule: string(field.ErrorTypeInvalid), Message: "Invalid value: " + err.Error()})
	}
	return gv.WithKind(kind), violations
}

// Rules returns every CEL rule of every CRD by its message, but for those about changes of an object, which are not
// checked.
func (r *Registry) Rules() (map[string]string, error) {
	all := map[string]string{}
	for _, lazy := range r.crds {
		c, err := lazy.get()
		if err != nil {
			return nil, err
		}
		for message, rule := range c.rules {
			if !strings.Contains(rule, "oldSelf") {
				all[message] = rule
			}
		}
	}
	return all, nil
}
