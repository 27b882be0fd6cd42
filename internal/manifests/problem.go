package manifests

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Severity says whether a problem keeps something from being used.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	// Note is for what is as it should be, and worth knowing.
	Note Severity = "note"
)

// Rules of the directory, beside those of packages document and schema.
const (
	RuleFileTooLarge    = "FileTooLarge"
	RuleUnreadable      = "Unreadable"
	RuleSymlinkLoop     = "SymlinkLoop"
	RuleTooMany         = "TooMany"
	RuleDuplicateObject = "DuplicateObject"
	RuleNoCluster       = "NoCluster"
	RuleConfigCluster   = "ConfigCluster"
	RuleMisplaced       = "Misplaced"
	RuleEmpty           = "Empty"
	RuleNotAManifest    = "NotAManifest"
)

// Problem is something wrong with a file.
type Problem struct {
	// File is relative to the directory, with slashes.
	File string `json:"file"`
	// Line and Column count from 1; they are 0 if the file as a whole is meant.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Object is the kind, namespace and name, as far as known.
	Object string `json:"object,omitempty"`
	// Field is the path of the field, such as spec.rules[0].name.
	Field string `json:"field,omitempty"`
	// Rule is a word, or the text of a CEL rule.
	Rule string `json:"rule"`
	// Message says what is wrong and what becomes of it.
	Message  string   `json:"message"`
	Severity Severity `json:"severity"`

	// unplaced: Object is in "default" only as long as its folder has no other default namespace.
	unplaced bool
}

// place names the namespace of an object whose manifest names none.
func (p *Problem) place(namespace string) {
	if p.unplaced && namespace != "" {
		p.Object = strings.Replace(p.Object, " "+metav1.NamespaceDefault+"/", " "+namespace+"/", 1)
	}
	p.unplaced = false
}

// String is FILE:LINE:COLUMN: SEVERITY: OBJECT: FIELD: MESSAGE [RULE], without what is unknown.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	for _, part := range []string{string(p.Severity), p.Object, p.Field} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	fmt.Fprintf(&b, ": %s [%s]", p.Message, p.Rule)
	return b.String()
}

// SortProblems puts problems in order of file, line and column.
func SortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
}

// HasErrors says whether any of the problems is more than a warning.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == Error })
}
