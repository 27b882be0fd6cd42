package explain

import "strconv"

// Explanation is what would become of a request.
type Explanation struct {
	Method   string    `json:"method"`
	URL      string    `json:"url"`
	Listener *Listener `json:"listener"`
	// Answer is the proxy's own before a backend is chosen; nil asks a backend.
	Answer         *Answer    `json:"answer,omitempty"`
	RouteExtension *Extension `json:"routeExtension,omitempty"`
	// URLMap is nil where it is not asked.
	URLMap *URLMap `json:"urlMap,omitempty"`
	// Backends are those that the request may go to, each with its share.
	Backends []Backend `json:"backends,omitempty"`
}

// Answer is one of the proxy's own.
type Answer struct {
	Status int `json:"status"`
	// Reason is that of the access log's statusDetails.
	Reason   string `json:"reason"`
	Location string `json:"location,omitempty"`
}

// String is status and reason.
func (a *Answer) String() string { return strconv.Itoa(a.Status) + " " + a.Reason }

// Extension is a resource with its chains, of which the first that matches runs.
type Extension struct {
	Name   string  `json:"name"`
	Owner  string  `json:"owner,omitempty"`
	Chains []Chain `json:"chains"`
}

// Chain is a chain with what was found.
type Chain struct {
	Name string `json:"name"`
	// Outcome is Runs, Misses or Unasked.
	Outcome string `json:"outcome"`
	// Conditions are its match conditions, of which one is enough; none matches everything.
	Conditions []Condition `json:"conditions,omitempty"`
	// Fault is why its match cannot be told: it then matches everything, and its members fail.
	Fault   string   `json:"fault,omitempty"`
	Members []Member `json:"extensions"`
}

// Outcomes of chains.
const (
	Runs    = "runs"
	Misses  = "does not match"
	Unasked = "not asked, an earlier one runs"
)

// Condition is a match condition with what it came to.
type Condition struct {
	Holds bool `json:"holds"`
	// BackendService has to be chosen; "" is any. Chosen says whether it is.
	BackendService string `json:"backendService,omitempty"`
	Chosen         bool   `json:"chosen,omitempty"`
	Steps          []Step `json:"steps,omitempty"`
}

// Step is as cel.Step.
type Step struct {
	Depth int    `json:"depth"`
	Text  string `json:"text"`
	Value string `json:"value"`
}

// Member is an extension of a chain.
type Member struct {
	Name     string   `json:"name"`
	Target   string   `json:"target"`
	Events   []string `json:"events,omitempty"`
	FailOpen bool     `json:"failOpen"`
	// Fault is why it fails whenever it is used.
	Fault string `json:"fault,omitempty"`
}

// URLMap is what the URL map found.
type URLMap struct {
	Name string `json:"name"`
	// ListenerHost and Host are the patterns that the request's host belongs to; "" where there is none.
	ListenerHost string `json:"listenerHost,omitempty"`
	Host         string `json:"host,omitempty"`
	// Rule is the one that applies; nil is the default service.
	Rule *Rule `json:"rule,omitempty"`
	// Missed are those that come before it and do not apply, all of the host's where none does.
	Missed []Rule `json:"missed,omitempty"`
}

// Rule is a route rule.
type Rule struct {
	// Route is its object, such as "HTTPRoute default/store"; Name the rule's name or index in it.
	Route string `json:"route"`
	Name  string `json:"rule"`
	Match string `json:"match"`
	// Miss is why it does not apply.
	Miss string `json:"miss,omitempty"`
}

// Backend is a backend service that the request may go to.
type Backend struct {
	Service string `json:"backendService"`
	Owner   string `json:"owner,omitempty"`
	Weight  uint32 `json:"weight"`
	// Of is the sum of the rule's weights.
	Of        uint32 `json:"of"`
	Endpoints int    `json:"endpoints"`
	// Answer is the proxy's own, given instead of asking the backend.
	Answer           *Answer    `json:"answer,omitempty"`
	TrafficExtension *Extension `json:"trafficExtension,omitempty"`
	// Sent is what the backend gets; nil where it is not asked.
	Sent *Sent `json:"sent,omitempty"`
}

// Sent is the head of a request to a backend.
type Sent struct {
	Method string  `json:"method"`
	Host   string  `json:"host"`
	Path   string  `json:"path"`
	Fields []Field `json:"fields"`
}

// Field is a header field.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
