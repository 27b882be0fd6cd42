package document

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules that are not a field.ErrorType.
const (
	RuleUnknownField = "UnknownField"
	RuleDuplicateKey = "DuplicateKey"
	RuleSyntax       = "Syntax"
	RuleIgnored      = "Ignored"
)

// Violation is one rule that a document breaks.
type Violation struct {
	// Path is the field, such as spec.rules[0].name; empty for the document as a whole.
	Path string
	// Rule is a word, such as UnknownField or FieldValueRequired, or the text of a CEL rule.
	Rule string
	// Message says what is wrong, without the path.
	Message string
	// AtKey asks for the position of the field's name, not of its value.
	AtKey bool
	// Warning is set if the object can be used all the same.
	Warning bool
	// Note is set, beside Warning, if nothing is amiss.
	Note bool
	// Known is the position if it cannot be found by the path.
	Known Position
}

// FromField translates the errors of Kubernetes' validation.
func FromField(errs field.ErrorList) []Violation {
	var out []Violation
	for _, e := range errs {
		path := e.Field
		if path == "<nil>" {
			path = ""
		}
		out = append(out, Violation{Path: path, Rule: string(e.Type), Message: e.ErrorBody()})
	}
	return out
}

// Position is the violation's place in the document.
func (d *Document) Position(v Violation) Position {
	switch {
	case v.Known != Position{}:
		return v.Known
	case v.AtKey:
		return d.KeyAt(v.Path)
	default:
		return d.At(v.Path)
	}
}

// SortViolations orders by place.
func (d *Document) SortViolations(vs []Violation) {
	slices.SortStableFunc(vs, func(a, b Violation) int {
		pa, pb := d.Position(a), d.Position(b)
		return cmp.Or(cmp.Compare(pa.Line, pb.Line), cmp.Compare(pa.Column, pb.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
}
