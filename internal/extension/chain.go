package extension

import (
	"cmp"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/proxy/callout"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// ruleVariable is what metadata may say for the forwarding rule.
const ruleVariable = "{forwarding_rule_id}"

// chain translates a chain. One whose condition cannot be told has a fault of its own; any other keeps the requests that it fails
// to those that its condition means.
func (c *compiler) chain(i int, chain *networkingv1.ExtensionChain) *lbv1.ExtensionChain {
	out := &lbv1.ExtensionChain{Name: chain.Name}
	if p := first(c.ownProblems(), func(p problem) bool { return p.Chain == i && p.hidesCondition() }); p != nil {
		out.Fault = p.Message
	} else {
		out.Match = c.match(i, chain.MatchCondition)
	}
	for k := range chain.Extensions {
		out.Extensions = append(out.Extensions, c.extension(i, k, &chain.Extensions[k]))
	}
	return out
}

// match are the alternatives; an empty one matches everything, and so does none.
func (c *compiler) match(i int, match *networkingv1.MatchCondition) []*lbv1.MatchExpression {
	if match == nil {
		return nil
	}
	var out []*lbv1.MatchExpression
	for k := range match.CELExpressions {
		e := &match.CELExpressions[k]
		if e.CELMatcher == "" && len(e.BackendRefs) == 0 {
			return nil
		}
		if len(e.BackendRefs) == 0 || c.key.extension.Kind == kind.GCPRoutingExtension {
			out = append(out, &lbv1.MatchExpression{Cel: e.CELMatcher})
			continue
		}
		for r := range e.BackendRefs {
			for _, service := range c.matched(i, &e.BackendRefs[r]) {
				out = append(out, &lbv1.MatchExpression{Cel: e.CELMatcher, BackendService: service})
			}
		}
	}
	return out
}

func (c *compiler) extension(i, k int, e *networkingv1.Extension) *lbv1.Extension {
	out := &lbv1.Extension{Name: e.Name, FailOpen: value(e.FailOpen), Events: c.events(e)}
	if out.Fault = c.fault(i, k); out.Fault == "" {
		c.target(i, k, e, out)
		out.Fault = c.fault(i, k)
	}
	if out.GetFault() != "" {
		return out
	}
	for _, h := range e.ForwardHeaders {
		out.ForwardHeaders = append(out.ForwardHeaders, strings.ToLower(string(h)))
	}
	out.ForwardAttributes = e.ForwardAttributes
	out.ObservabilityMode = value(e.ObservabilityMode)
	if out.GetWasmPlugin() != "" {
		return out
	}
	out.Timeout = timeoutOf(e.Timeout)
	out.Authority = cmp.Or(value(e.Authority), value(e.GoogleAPIServiceName))
	c.setMetadata(out, e.Metadata)
	out.RequestBodySendMode = sendMode(e.RequestBodySendMode, out, lbv1.Extension_REQUEST_BODY)
	out.ResponseBodySendMode = sendMode(e.ResponseBodySendMode, out, lbv1.Extension_RESPONSE_BODY)
	return out
}

func (c *compiler) setMetadata(out *lbv1.Extension, metadata map[string]networkingv1.MetadataValue) {
	for key, text := range metadata {
		if out.Metadata == nil {
			out.Metadata = map[string]string{}
		}
		out.Metadata[key] = string(text)
		c.byRule = c.byRule || strings.Contains(string(text), ruleVariable)
	}
}

// events are what an extension is called for. A GCPTrafficExtension that names none is called for both kinds of headers, as its
// documentation shows, and never for bodies.
func (c *compiler) events(e *networkingv1.Extension) []lbv1.Extension_Event {
	if len(e.SupportedEvents) == 0 {
		if c.key.extension.Kind == kind.GCPRoutingExtension {
			return []lbv1.Extension_Event{lbv1.Extension_REQUEST_HEADERS}
		}
		return []lbv1.Extension_Event{lbv1.Extension_REQUEST_HEADERS, lbv1.Extension_RESPONSE_HEADERS}
	}
	var out []lbv1.Extension_Event
	seen := map[lbv1.Extension_Event]bool{}
	for _, name := range e.SupportedEvents {
		if event := eventOf(name); !seen[event] {
			seen[event] = true
			out = append(out, event)
		}
	}
	return out
}

func eventOf(e networkingv1.EventType) lbv1.Extension_Event {
	switch e {
	case networkingv1.RequestHeaders:
		return lbv1.Extension_REQUEST_HEADERS
	case networkingv1.RequestBody:
		return lbv1.Extension_REQUEST_BODY
	case networkingv1.RequestTrailers:
		return lbv1.Extension_REQUEST_TRAILERS
	case networkingv1.ResponseHeaders:
		return lbv1.Extension_RESPONSE_HEADERS
	case networkingv1.ResponseBody:
		return lbv1.Extension_RESPONSE_BODY
	case networkingv1.ResponseTrailers:
		return lbv1.Extension_RESPONSE_TRAILERS
	}
	return lbv1.Extension_EVENT_UNSPECIFIED
}

// sendMode is set where the body is sent.
func sendMode(m *networkingv1.BodySendMode, e *lbv1.Extension, body lbv1.Extension_Event) lbv1.Extension_SendMode {
	for _, event := range e.GetEvents() {
		switch {
		case event != body:
		case value(m) == networkingv1.FullDuplexStreamed:
			return lbv1.Extension_FULL_DUPLEX_STREAMED
		default:
			return lbv1.Extension_STREAMED
		}
	}
	return lbv1.Extension_SEND_MODE_UNSPECIFIED
}

// timeoutOf reads what the CRD lets through.
func timeoutOf(text *string) *durationpb.Duration {
	if text == nil {
		return durationpb.New(callout.DefaultTimeout)
	}
	d, err := time.ParseDuration(*text)
	if err != nil {
		return durationpb.New(callout.DefaultTimeout)
	}
	return durationpb.New(d)
}

func compareTallies(a, b recompute.Tally) int {
	return cmp.Or(strings.Compare(a.Index, b.Index), strings.Compare(a.Key, b.Key), strings.Compare(a.Member, b.Member))
}
