package trouble

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// Severity says whether something keeps an object from being served.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	// Note is for what is as it should be, and worth knowing.
	Note Severity = "note"
)

// Trouble is one thing that is not in order.
type Trouble struct {
	// Condition says so, nil if no status does.
	Condition *condition.Condition
	// Field is a path, such as spec.parentRefs[0]; "" with a condition, or if it is the object as a whole.
	Field string
	// Rule is a word; Text says what is wrong.
	Rule, Text string
	Severity   Severity
}

// String is PLACE: TEXT.
func (t Trouble) String() string {
	switch {
	case t.Condition != nil:
		return t.Condition.String()
	case t.Field != "":
		return t.Field + ": " + t.Text
	}
	return t.Text
}

// Of returns what is not in order about an object.
func Of(snapshot *store.Snapshot, e *store.Entry) []Trouble {
	if e.Ref.Kind == kind.Pod {
		return containers(e)
	}
	if e.Ref.Kind == kind.Ingress {
		return ingress(snapshot, e)
	}
	if e.Ref.Kind == kind.Gateway && e.Written == nil && e.Object.GetDeletionTimestamp() == nil {
		if t, ok := unserved(snapshot, e); ok {
			return []Trouble{t}
		}
	}
	if service, ok := e.Object.(*corev1.Service); ok {
		return groupsAsked(snapshot, e, service)
	}
	all := parents(snapshot, e)
	for _, c := range condition.Distinct(condition.Bad(statusOf(e))) {
		all = append(all, Trouble{Condition: &c, Rule: c.Reason, Text: c.Message, Severity: severityOf(c)})
	}
	return all
}

// severityOf is a warning for what serves all the same.
func severityOf(c condition.Condition) Severity {
	if c.Type == "OverlappingTLSConfig" || c.Type == "Conflict" {
		return Warning
	}
	return Error
}

// ranks are the conditions that matter most, in the order of what explains most.
var ranks = []string{
	"Accepted", "Attached", "Valid", "ResolvedRefs", "Programmed", "Reconciled", "PartiallyInvalid", "Conflict", "Conflicted",
}

// Leading keeps, of the conditions of one place, only the one that explains most, and none that repeats another's message:
// it is for telling what happens in a line.
func Leading(all []Trouble) []Trouble {
	best := map[string]int{} // by place, the rank
	for _, t := range all {
		if c := t.Condition; c != nil {
			rank := slices.Index(ranks, c.Type)
			if old, ok := best[c.Where]; rank >= 0 && (!ok || rank < old) {
				best[c.Where] = rank
			}
		}
	}
	told := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(all), func(t Trouble) bool {
		c := t.Condition
		if c == nil {
			return false
		}
		rank, ok := best[c.Where]
		again := c.Message != "" && told[c.Message]
		if !ok || slices.Index(ranks, c.Type) != rank || again {
			return true
		}
		told[c.Message] = true
		return false
	})
}

// statusOf is what controllers wrote, or the status that the object came with, as JSON has it.
func statusOf(e *store.Entry) map[string]any {
	if e.Written != nil && e.Written.Status != nil {
		return condition.FieldsOf(e.Written.Status)
	}
	status, _ := condition.FieldsOf(e.Object)["status"].(map[string]any)
	return status
}
