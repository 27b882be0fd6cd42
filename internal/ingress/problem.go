package ingress

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

// text is the message of an event.
func (p problem) text() string {
	if p.Reason == reasonSync || p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}
