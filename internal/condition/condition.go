// Package condition finds, in the status of an object of any kind, the conditions that say that something is not well.
//
// In: a status as JSON decodes it. Out: its conditions, with the place where each stands: the object itself, a listener, a
// parent or an ancestor.
//
//	for _, c := range condition.Bad(status) {
//		fmt.Println(c) // parent web: Accepted=False NotAllowedByListeners: no listener ...
//	}
package condition

import (
	"fmt"
	"slices"
	"strings"
)

// Condition is one condition and where it stands.
type Condition struct {
	// Where is "" for the object itself, else "listener https" or "parent store/web".
	Where string
	// Type, Status, Reason and Message are the condition's.
	Type, Status, Reason, Message string
}

// String is WHERE: TYPE=STATUS REASON: MESSAGE.
func (c Condition) String() string {
	text := c.State() + " " + c.Reason
	if c.Message != "" {
		text += ": " + c.Message
	}
	if c.Where != "" {
		text = c.Where + ": " + text
	}
	return text
}

// State is TYPE=STATUS.
func (c Condition) State() string { return c.Type + "=" + c.Status }

// Bad says whether the condition tells of something wrong. Unknown is not well either: nobody has said yet that it is.
func (c Condition) Bad() bool {
	switch c.Type {
	case "Conflicted", "Conflict", "PartiallyInvalid", "OverlappingTLSConfig":
		return c.Status == "True"
	case "ReplicaFailure", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable":
		return c.Status == "True"
	}
	return c.Status != "True"
}

// Healthy is a condition of our own on routes. It is there, and False, while requests to one of a route's Services find nobody
// who answers: every other condition is about what is written, and True then.
const Healthy = "spillway.dev/Healthy"

// Bad returns the conditions of a status that tell of something wrong, in their order. Healthy is not among them: what it says
// is told of the Services that it is about.
func Bad(status map[string]any) []Condition {
	var bad []Condition
	for _, c := range Of(status) {
		if c.Bad() && c.Type != Healthy {
			bad = append(bad, c)
		}
	}
	return bad
}

// Distinct leaves out what only repeats, of the same place or of what sums places up: a condition with the message of an
// earlier one, and Ready, which says no more than Programmed.
func Distinct(bad []Condition) []Condition {
	var out []Condition
	for _, c := range bad {
		repeats := func(o Condition) bool {
			return o.Where == c.Where && (c.Type == "Ready" && o.Type == "Programmed" || c.Message != "" && o.Message == c.Message)
		}
		if !slices.ContainsFunc(bad, func(o Condition) bool { return o != c && c.Type == "Ready" && repeats(o) }) && !slices.ContainsFunc(out, repeats) {
			out = append(out, c)
		}
	}
	return out
}

// Of returns every condition of a status.
func Of(status map[string]any) []Condition {
	all := read(status, "")
	for _, parent := range maps(status["parents"]) {
		all = append(all, read(parent, reference("parent", parent["parentRef"]))...)
	}
	for _, ancestor := range maps(status["ancestors"]) {
		all = append(all, read(ancestor, reference("ancestor", ancestor["ancestorRef"]))...)
	}
	for _, listener := range maps(status["listeners"]) {
		all = append(all, read(listener, "listener "+text(listener, "name"))...)
	}
	return all
}

func read(holder map[string]any, where string) []Condition {
	var all []Condition
	for _, c := range maps(holder["conditions"]) {
		all = append(all, Condition{
			Where: where, Type: text(c, "type"), Status: text(c, "status"), Reason: text(c, "reason"), Message: text(c, "message"),
		})
	}
	return all
}

// reference is what a parentRef or ancestorRef names: [NAMESPACE/]NAME, and its section or port.
func reference(role string, ref any) string {
	fields, _ := ref.(map[string]any)
	var b strings.Builder
	b.WriteString(role + " ")
	if namespace := text(fields, "namespace"); namespace != "" {
		b.WriteString(namespace + "/")
	}
	b.WriteString(text(fields, "name"))
	if section := text(fields, "sectionName"); section != "" {
		b.WriteString(" " + section)
	}
	if port, ok := fields["port"]; ok && port != nil {
		fmt.Fprintf(&b, " port %v", port)
	}
	return b.String()
}

func maps(list any) []map[string]any {
	items, _ := list.([]any)
	var all []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

func text(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}
