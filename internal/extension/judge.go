package extension

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/cel"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/proxy/callout"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// judge finds what of an extension cannot be for a Gateway of a class, whatever is there to be called; notes are what its author
// should know besides.
func judge(kindOf string, spec *networkingv1.ExtensionSpec, class gateway.Class) (problems []problem, notes []string) {
	j := judger{kind: kindOf, class: class}
	j.inClass()
	seen := map[string]bool{}
	for i := range spec.ExtensionChains {
		chain := &spec.ExtensionChains[i]
		if seen[chain.Name] {
			j.add(i, -1, reasonInvalid, "two chains are named %q", chain.Name)
		}
		seen[chain.Name] = true
		j.chain(i, chain)
	}
	return j.problems, j.notes
}

// judger gathers the problems of one extension.
type judger struct {
	kind     string
	class    gateway.Class
	problems []problem
	notes    []string
}

func (j *judger) add(chain, extension int, reason, format string, args ...any) {
	at := ""
	if chain >= 0 {
		at = fmt.Sprintf("spec.extensionChains[%d]", chain)
		if extension >= 0 {
			at += fmt.Sprintf(".extensions[%d]", extension)
		}
		at += ": "
	}
	j.problems = append(j.problems, problem{
		Reason: reason, Message: at + fmt.Sprintf(format, args...), Chain: chain, Extension: extension,
	})
}

func (j *judger) routing() bool { return j.kind == kind.GCPRoutingExtension }

// inClass: not every load balancer of Google's has every extension.
func (j *judger) inClass() {
	switch {
	case j.routing() && !j.class.Extends.Routing:
		j.add(-1, -1, reasonNotAllowed, "a GCPRoutingExtension is for gke-l7-rilb and gke-l7-regional-external-managed, not for Gateways of class %s", j.class.Name)
	case !j.routing() && !j.class.Extends.Traffic:
		j.add(-1, -1, reasonNotAllowed, "a GCPTrafficExtension is for gke-l7-rilb, gke-l7-regional-external-managed and gke-l7-global-external-managed, not for Gateways of class %s", j.class.Name)
	}
}

func (j *judger) chain(i int, chain *networkingv1.ExtensionChain) {
	j.match(i, chain.MatchCondition)
	if j.routing() && len(chain.Extensions) > 1 {
		j.add(i, -1, reasonInvalid, "a chain of a GCPRoutingExtension has one extension, this has %d", len(chain.Extensions))
	}
	seen := map[string]bool{}
	for k := range chain.Extensions {
		e := &chain.Extensions[k]
		if seen[e.Name] {
			j.add(i, k, reasonInvalid, "two extensions of the chain are named %q", e.Name)
		}
		seen[e.Name] = true
		j.target(i, k, e)
		j.events(i, k, e)
		j.attributes(i, k, e)
		if e.Authority != nil && !message.ValidAuthority([]byte(*e.Authority)) {
			j.add(i, k, reasonInvalid, "authority: %q is no host with or without a port", *e.Authority)
		}
	}
}

// attributes: a callout that waits for one that does not exist would wait for ever.
func (j *judger) attributes(i, k int, e *networkingv1.Extension) {
	known := callout.Attributes()
	for n, name := range e.ForwardAttributes {
		if !slices.Contains(known, name) {
			j.add(i, k, reasonInvalid, "forwardAttributes[%d]: there is no attribute %q: there are %s", n, name, strings.Join(known, ", "))
		}
	}
}

// match compiles the conditions, each by itself, so that positions are those in its text.
func (j *judger) match(i int, match *networkingv1.MatchCondition) {
	if match == nil {
		return
	}
	length := 0
	for k, e := range match.CELExpressions {
		switch p, err := cel.Compile(e.CELMatcher); {
		case err != nil:
			j.add(i, -1, reasonInvalidCEL, "matchCondition.celExpressions[%d].celMatcher: %v", k, err)
		default:
			for _, text := range p.Warnings() {
				j.notes = append(j.notes, fmt.Sprintf("spec.extensionChains[%d]: matchCondition.celExpressions[%d].celMatcher: %s", i, k, text))
			}
		}
		if j.routing() && len(e.BackendRefs) > 0 {
			j.add(i, -1, reasonNotAllowed, "matchCondition.celExpressions[%d].backendRefs: a GCPRoutingExtension runs before a Service is chosen", k)
		}
		length += len([]rune(e.CELMatcher))
	}
	if length > cel.MaxLength {
		j.add(i, -1, reasonTooLarge, "the celMatchers of the chain have %d characters together, at most %d are allowed", length, cel.MaxLength)
	}
}

// target judges what kind of thing runs the extension.
func (j *judger) target(i, k int, e *networkingv1.Extension) {
	switch {
	case e.BackendRef == nil && j.routing():
		j.add(i, k, reasonNotAllowed, "googleAPIServiceName is for a GCPTrafficExtension")
	case e.BackendRef == nil:
	case e.BackendRef.Kind == kindApigee:
		j.add(i, k, reasonInvalidService, "an ApigeeBackendService is not supported: name the Service that runs the extension processor")
	case e.BackendRef.Kind == kindPlugin && j.routing():
		j.add(i, k, reasonNotAllowed, "a GCPWasmPlugin is for a GCPTrafficExtension")
	case e.BackendRef.Kind == kindPlugin && j.class.Extends.Traffic && !j.class.Extends.Wasm:
		j.add(i, k, reasonNotAllowed, "a GCPWasmPlugin is for Gateways of class gke-l7-global-external-managed, not of %s", j.class.Name)
	}
	if value(e.ObservabilityMode) && j.class.Reach == gateway.Global && !j.class.Extends.Routing {
		j.add(i, k, reasonNotAllowed, "observabilityMode is for regional classes, not for %s", j.class.Name)
	}
}

// events: a routing extension sees nothing of the answer, and bodies in full duplex only.
func (j *judger) events(i, k int, e *networkingv1.Extension) {
	if !j.routing() {
		return
	}
	duplex := value(e.RequestBodySendMode) == networkingv1.FullDuplexStreamed
	allowed := []networkingv1.EventType{networkingv1.RequestHeaders}
	if duplex {
		allowed = append(allowed, networkingv1.RequestBody, networkingv1.RequestTrailers)
	}
	for _, event := range e.SupportedEvents {
		if !slices.Contains(allowed, event) {
			j.add(i, k, reasonNotAllowed, "supportedEvents: a GCPRoutingExtension is called for %s, not for %s", eventList(allowed), event)
		}
	}
	if e.RequestBodySendMode != nil && !duplex {
		j.add(i, k, reasonNotAllowed, "requestBodySendMode of a GCPRoutingExtension is FullDuplexStreamed or unset")
	}
	if e.ResponseBodySendMode != nil {
		j.add(i, k, reasonNotAllowed, "responseBodySendMode is for a GCPTrafficExtension")
	}
}

func eventList(events []networkingv1.EventType) string {
	if len(events) == 1 {
		return string(events[0]) + " alone (RequestBody and RequestTrailers need requestBodySendMode: FullDuplexStreamed)"
	}
	var names []string
	for _, e := range events {
		names = append(names, string(e))
	}
	return strings.Join(names, ", ")
}
