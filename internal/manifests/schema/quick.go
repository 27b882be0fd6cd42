package schema

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiserver/pkg/cel/library"
)

// quick is a schema compiled for the one question that nearly always has the answer yes: is this value valid? It
// answers "yes" or "not sure", some ten times as fast as the API server's validators, which allocate a tree of
// validators for each value, and meter the cost of each CEL rule. A value that it is not sure of goes to them, so they
// alone decide what is invalid and say why. That quick never says yes where they say no is what
// TestQuickAgreesWithTheAPIServersValidators is for.
type quick struct {
	kind       string
	properties map[string]*quick
	additional *quick // of maps
	anyField   bool
	items      *quick
	required   []string
	texts      []string // of an enum
	numbers    []float64
	pattern    *regexp.Regexp
	min, max   *float64
	lengths    bounds // of strings
	counts     bounds // of lists
	sizes      bounds // of objects
	int32      bool
	list       string   // x-kubernetes-list-type
	listKeys   []string // of list type map
	rules      []celgo.Program
	// unsure marks what is not worth an implementation of its own: unions, null, formats of strings.
	unsure bool
}

// bounds are inclusive; nil means none.
type bounds struct {
	min, max *int64
}

func (b bounds) hold(n int) bool {
	return (b.min == nil || int64(n) >= *b.min) && (b.max == nil || int64(n) <= *b.max)
}

// newQuick compiles a schema. env may be nil: then any rule makes it unsure.
func newQuick(s *schema.Structural, env *celgo.Env) *quick {
	q := &quick{kind: s.Type, properties: map[string]*quick{}, anyField: s.XPreserveUnknownFields}
	q.unsure = s.Nullable || s.XIntOrString || s.XEmbeddedResource || s.XPreserveUnknownFields
	for name, property := range s.Properties {
		q.properties[name] = newQuick(&property, env)
	}
	if s.AdditionalProperties != nil {
		if q.additional = nil; s.AdditionalProperties.Structural != nil {
			q.additional = newQuick(s.AdditionalProperties.Structural, env)
		} else {
			q.unsure = true
		}
	}
	if s.Items != nil {
		q.items = newQuick(s.Items, env)
	}
	if s.XListType != nil {
		q.list, q.listKeys = *s.XListType, s.XListMapKeys
	}
	if v := s.ValueValidation; v != nil {
		q.constrain(v)
	}
	for _, rule := range s.XValidations {
		q.addRule(rule.Rule, env)
	}
	return q
}

func (q *quick) constrain(v *schema.ValueValidation) {
	q.required = v.Required
	q.min, q.max = v.Minimum, v.Maximum
	q.lengths = bounds{v.MinLength, v.MaxLength}
	q.counts = bounds{v.MinItems, v.MaxItems}
	q.sizes = bounds{v.MinProperties, v.MaxProperties}
	q.int32 = v.Format == "int32"
	if v.ExclusiveMinimum || v.ExclusiveMaximum || v.MultipleOf != nil || v.UniqueItems || v.Not != nil ||
		len(v.AllOf)+len(v.AnyOf)+len(v.OneOf) > 0 || !slices.Contains([]string{"", "int32", "int64"}, v.Format) {
		q.unsure = true
	}
	if v.Pattern != "" {
		var err error
		if q.pattern, err = regexp.Compile(v.Pattern); err != nil {
			q.unsure = true
		}
	}
	for _, allowed := range v.Enum {
		switch value := allowed.Object.(type) {
		case string:
			q.texts = append(q.texts, value)
		case int64:
			q.numbers = append(q.numbers, float64(value))
		case float64:
			q.numbers = append(q.numbers, value)
		default:
			q.unsure = true
		}
	}
}

// quickEnv has the functions that rules use, and no meter. A rule that it cannot compile makes its schema unsure.
func quickEnv() (*celgo.Env, error) {
	return celgo.NewEnv(
		celgo.Variable("self", celgo.DynType),
		celgo.OptionalTypes(),
		ext.Strings(ext.StringsVersion(2)), ext.Sets(),
		library.URLs(), library.Regex(), library.Lists(), library.IP(), library.CIDR(), library.Format(),
	)
}

// escaped are names that the API server's CEL escapes because they are reserved; plain CEL takes them after a dot.
var escaped = regexp.MustCompile(`\.__(namespace|package|as|break|const|continue|else|for|function|if|import|let|loop|return|var|void|while)__`)

// addRule compiles a CEL rule against untyped values. Rules about the change from an old value say nothing of a new
// one, and are left out as the API server leaves them out.
func (q *quick) addRule(rule string, env *celgo.Env) {
	if strings.Contains(rule, "oldSelf") {
		return
	}
	rule = escaped.ReplaceAllString(rule, ".$1")
	if env == nil || strings.Contains(rule, "__") {
		q.unsure = true
		return
	}
	ast, issues := env.Compile(rule)
	if issues != nil && issues.Err() != nil {
		q.unsure = true
		return
	}
	program, err := env.Program(ast, celgo.EvalOptions(celgo.OptOptimize))
	if err != nil {
		q.unsure = true
		return
	}
	q.rules = append(q.rules, program)
}

// object is valid for the root of a custom resource: its type is known already, its metadata checked apart.
func (q *quick) object(value map[string]any) bool {
	if q.unsure || !q.sizes.hold(len(value)) {
		return false
	}
	for name, v := range value {
		switch name {
		case "apiVersion", "kind", "metadata", "status": // a status can only be the schema's own default here
			continue
		}
		property := q.properties[name]
		if property == nil || !property.valid(v) {
			return false
		}
	}
	return q.has(value) && q.obeys(value)
}

// valid is false if in doubt.
func (q *quick) valid(value any) bool {
	if q.unsure {
		return false
	}
	switch v := value.(type) {
	case string:
		return q.kind == "string" && q.text(v) && q.obeys(v)
	case int64:
		return (q.kind == "integer" || q.kind == "number") && q.number(float64(v)) && q.obeys(v)
	case float64:
		return q.kind == "number" && q.number(v) && q.obeys(v)
	case bool:
		return q.kind == "boolean" && len(q.texts)+len(q.numbers) == 0 && q.obeys(v)
	case []any:
		return q.kind == "array" && q.sequence(v) && q.obeys(v)
	case map[string]any:
		return q.kind == "object" && q.mapping(v) && q.obeys(v)
	default:
		return false
	}
}

func (q *quick) text(v string) bool {
	if (q.lengths.min != nil || q.lengths.max != nil) && !q.lengths.hold(utf8.RuneCountInString(v)) {
		return false
	}
	if q.texts != nil && !slices.Contains(q.texts, v) {
		return false
	}
	return q.pattern == nil || q.pattern.MatchString(v)
}

func (q *quick) number(v float64) bool {
	if q.numbers != nil && !slices.Contains(q.numbers, v) || q.int32 && (v < math.MinInt32 || v > math.MaxInt32) {
		return false
	}
	return (q.min == nil || v >= *q.min) && (q.max == nil || v <= *q.max)
}

func (q *quick) mapping(v map[string]any) bool {
	if !q.sizes.hold(len(v)) || !q.has(v) {
		return false
	}
	for name, element := range v {
		schema := q.properties[name]
		if schema == nil {
			schema = q.additional
		}
		if schema == nil || !schema.valid(element) {
			return false
		}
	}
	return true
}

func (q *quick) has(v map[string]any) bool {
	for _, name := range q.required {
		if _, ok := v[name]; !ok {
			return false
		}
	}
	return true
}

func (q *quick) sequence(v []any) bool {
	if !q.counts.hold(len(v)) || q.items == nil {
		return false
	}
	for _, item := range v {
		if !q.items.valid(item) {
			return false
		}
	}
	return len(v) < 2 || q.distinct(v)
}

// distinct holds for lists that are sets or maps. Only short ones with keys that are strings or whole numbers are
// compared here.
func (q *quick) distinct(v []any) bool {
	switch q.list {
	case "", "atomic":
		return true
	case "set", "map":
		if len(v) > 64 {
			return false
		}
	default:
		return false
	}
	for i := range v {
		for j := range i {
			if !q.differ(v[i], v[j]) {
				return false
			}
		}
	}
	return true
}

func (q *quick) differ(a, b any) bool {
	if q.list == "set" {
		return isKey(a) && isKey(b) && a != b
	}
	ma, oka := a.(map[string]any)
	mb, okb := b.(map[string]any)
	if !oka || !okb {
		return false
	}
	for _, key := range q.listKeys {
		va, vb := ma[key], mb[key]
		if !isKey(va) || !isKey(vb) {
			return false
		}
		if va != vb {
			return true
		}
	}
	return false
}

func isKey(v any) bool {
	switch v.(type) {
	case string, int64, bool:
		return true
	default:
		return false
	}
}

// obeys runs the CEL rules of one value.
func (q *quick) obeys(v any) bool {
	if len(q.rules) == 0 {
		return true
	}
	self := map[string]any{"self": v}
	for _, rule := range q.rules {
		if result, _, err := rule.Eval(self); err != nil || result != types.True {
			return false
		}
	}
	return true
}
