package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests/document"
)

// RuleAlias is the rule of a spelling that GKE's CRD refuses, and which is read all the same.
const RuleAlias = "Alias"

// replaceAliases writes what other documentation writes into extensions, above all the load balancer API's, as the CRD wants
// it. Each is a warning, because a cluster of GKE refuses it.
func replaceAliases(gk schema.GroupKind, value map[string]any) []document.Violation {
	if ref := kind.Join(gk.Kind, gk.Group); ref != kind.GCPRoutingExtension && ref != kind.GCPTrafficExtension {
		return nil
	}
	var a aliases
	spec, _ := value["spec"].(map[string]any)
	for i, chain := range mappings(spec["extensionChains"]) {
		at := fmt.Sprintf("spec.extensionChains[%d]", i)
		condition, _ := chain["matchCondition"].(map[string]any)
		a.expressions(at+".matchCondition.celExpressions", condition["celExpressions"])
		for j, extension := range mappings(chain["extensions"]) {
			a.extension(fmt.Sprintf("%s.extensions[%d]", at, j), extension)
		}
	}
	return a.found
}

// aliases gathers what was replaced.
type aliases struct {
	found []document.Violation
}

func (a *aliases) add(path, was, is string) {
	a.found = append(a.found, document.Violation{
		Path: path, Rule: RuleAlias, Warning: true, Message: fmt.Sprintf("%s is read as %s; GKE's CRD takes only that", was, is),
	})
}

// expressions: a plain text stands for a celMatcher.
func (a *aliases) expressions(path string, list any) {
	items, _ := list.([]any)
	for i, item := range items {
		if text, ok := item.(string); ok {
			items[i] = map[string]any{"celMatcher": text}
			a.add(fmt.Sprintf("%s[%d]", path, i), strconv.Quote(text), fmt.Sprintf("{celMatcher: %q}", text))
		}
	}
}

func (a *aliases) extension(path string, extension map[string]any) {
	events, _ := extension["supportedEvents"].([]any)
	for i, event := range events {
		if is, ok := eventAliases()[event]; ok {
			events[i] = is
			a.add(fmt.Sprintf("%s.supportedEvents[%d]", path, i), fmt.Sprint(event), is)
		}
	}
	for _, field := range []string{"requestBodySendMode", "responseBodySendMode"} {
		if is, ok := modeAliases()[extension[field]]; ok {
			a.add(path+"."+field, fmt.Sprint(extension[field]), is)
			extension[field] = is
		}
	}
	text, _ := extension["timeout"].(string)
	if is, ok := wholeDuration(text); ok {
		extension["timeout"] = is
		a.add(path+".timeout", text, is)
	}
}

// eventAliases are the load balancer API's names of the events.
func eventAliases() map[any]string {
	return map[any]string{
		"REQUEST_HEADERS": "RequestHeaders", "REQUEST_BODY": "RequestBody", "REQUEST_TRAILERS": "RequestTrailers",
		"RESPONSE_HEADERS": "ResponseHeaders", "RESPONSE_BODY": "ResponseBody", "RESPONSE_TRAILERS": "ResponseTrailers",
	}
}

func modeAliases() map[any]string {
	return map[any]string{
		"STREAMED": "Streamed", "BODY_SEND_MODE_STREAMED": "Streamed",
		"FULL_DUPLEX_STREAMED": "FullDuplexStreamed", "BODY_SEND_MODE_FULL_DUPLEX_STREAMED": "FullDuplexStreamed",
	}
}

// fraction is a duration in seconds as protobuf writes it, such as 0.1s.
var fraction = regexp.MustCompile(`^[0-9]*\.[0-9]+s$`)

// wholeDuration is a duration with a fraction in milliseconds; ok is false for one that is not a whole number of them, which
// the CRD then refuses.
func wholeDuration(text string) (is string, ok bool) {
	if !fraction.MatchString(text) {
		return "", false
	}
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Millisecond != 0 {
		return "", false
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms", true
}

func mappings(list any) (all []map[string]any) {
	items, _ := list.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any) // what is none has no fields
		all = append(all, m)
	}
	return all
}
