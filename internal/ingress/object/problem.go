package object

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Problems is the annotation that says, as JSON, what of an Ingress is not served as it is written: the API has no
// conditions for that.
const Problems = "ingress.spillway.dev/problems"

// Reasons of problems, which are those of events.
const (
	ReasonTranslate = "Translate"
	ReasonSync      = "Sync"
	// ReasonOverwritten is ours: what check-gke-ingress calls RuleHostOverwriteCheck.
	ReasonOverwritten = "RuleOverwritten"
	// ReasonUnsupported is ours: something that the Ingress says is not done.
	ReasonUnsupported = "Unsupported"
	// ReasonElsewhere is ours, and that of an event only: a proxy listens on something else than it should, and serves there.
	ReasonElsewhere = "ListensElsewhere"
)

// Problem is why an Ingress, or a part of it, is not served as it is written.
type Problem struct {
	Reason string `json:"reason"`
	// Field is a path of the Ingress, such as spec.rules[0].host.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// Text is the message of an event.
func (p Problem) Text() string {
	if p.Reason == ReasonSync || p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// Harmless tells whether what is asked for is served all the same, as far as it is served.
func (p Problem) Harmless() bool {
	return p.Reason == ReasonOverwritten || p.Reason == ReasonUnsupported
}

// MarshalProblems is the text of the annotation.
func MarshalProblems(all []Problem) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(all); err != nil {
		panic("ingress: three strings do not marshal: " + err.Error())
	}
	return strings.TrimSpace(b.String())
}

// ProblemsOf reads the annotation; an Ingress without problems has none.
func ProblemsOf(annotations map[string]string) []Problem {
	var all []Problem
	// It is what MarshalProblems made, or nothing.
	_ = json.Unmarshal([]byte(annotations[Problems]), &all)
	return all
}
