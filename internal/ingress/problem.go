package ingress

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Reasons of problems, which are those of events.
const (
	reasonTranslate = "Translate"
	reasonSync      = "Sync"
	// reasonOverwritten is ours: what check-gke-ingress calls RuleHostOverwriteCheck.
	reasonOverwritten = "RuleOverwritten"
	// reasonUnsupported is ours: something that the Ingress says is not done.
	reasonUnsupported = "Unsupported"
)

// problem is why an Ingress, or a part of it, is not served as it is written.
type problem struct {
	Reason string `json:"reason"`
	// Field is a path of the Ingress, such as spec.rules[0].host.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// syncFailed is what ingress-gce puts before what its load balancer routine says.
const syncFailed = "Error syncing to GCP: error running load balancer syncing routine: "

// text is the message of an event.
func (p problem) text() string {
	if p.Reason == reasonSync || p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// problemsText is what the annotation Problems says.
func problemsText(all []problem) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(all); err != nil {
		panic("ingress: three strings do not marshal: " + err.Error())
	}
	return strings.TrimSpace(b.String())
}
