package gateway

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// ruleProblem is why a rule cannot be obeyed.
type ruleProblem struct {
	rule   int
	name   string
	reason gatewayv1.RouteConditionReason
	// field is the path in the route.
	field, text string
	// sound are the matches that can be: their requests are known, and get an error.
	sound []bool
}

// String is the problem as conditions show it: rule 2 (spec.rules[1].filters[0]): text.
func (p *ruleProblem) String() string {
	name := ""
	if p.name != "" {
		name = fmt.Sprintf(" %q", p.name)
	}
	return fmt.Sprintf("rule %d%s (%s): %s", p.rule+1, name, p.field, p.text)
}

func problemTexts(problems []ruleProblem) string {
	texts := make([]string, len(problems))
	for i := range problems {
		texts[i] = problems[i].String()
	}
	return strings.Join(texts, "; ")
}

// judgeRules finds the rules that cannot be obeyed, with the compiler that the proxy runs, and those that GKE would not. It asks for
// nothing but the route.
func judgeRules(route *routeView, strict strictness) []ruleProblem {
	var problems []ruleProblem
	for i := range route.rules {
		if p := judgeRule(route, i, strict); p != nil {
			problems = append(problems, *p)
		}
	}
	return problems
}

func judgeRule(route *routeView, index int, strict strictness) *ruleProblem {
	rule := &route.rules[index]
	body, bad := readRule(route, index, anyBackend{})
	if problem := strict.rule(rule); problem != nil && bad == nil {
		bad = problem
	}
	sound := make([]bool, len(rule.matches))
	for j := range rule.matches {
		m := &rule.matches[j]
		found := bad
		if found == nil {
			found = check(route, &body, m, j)
		}
		if found != nil || m.problem != nil {
			// What is wrong with a match is said first: it is why there is nobody to answer.
			broken := m.broken(route, j)
			sound[j] = broken == nil
			if broken != nil {
				found = broken
			}
		} else {
			sound[j] = true
		}
		if bad == nil {
			bad = found
		}
	}
	if bad == nil {
		return nil
	}
	name := rule.name
	if name == ruleName(nil, index) {
		name = ""
	}
	field := item("spec.rules", index)
	if bad.field != "" {
		field += "." + bad.field
	}
	return &ruleProblem{rule: index, name: name, reason: bad.reason, field: field, text: bad.message, sound: sound}
}

// broken is why there is no such match.
func (m *matchView) broken(route *routeView, index int) *unacceptable {
	if m.problem != nil {
		return &unacceptable{m.problem.reason, item("matches", index) + "." + m.problem.field, m.problem.message}
	}
	plain := refused(&ruleView{}, anyBackend{})
	return check(route, &plain, m, index)
}

// check runs the proxy's compiler over one match of a rule.
func check(route *routeView, body *ruleBody, m *matchView, index int) *unacceptable {
	if m.problem != nil {
		return nil
	}
	rule := body.rule(route, place{&Listener{Host: anyHost}, anyHost}, m, 0, 0)
	err := config.CheckRouteRule(rule)
	if err == nil {
		return nil
	}
	at := refusal.Of(err)
	field := body.origins.find(at.Path)
	if strings.HasPrefix(at.Path, "match") {
		field = item("matches", index)
		if below := m.origins.find(at.Path); below != "" {
			field += "." + below
		}
	}
	return &unacceptable{gatewayv1.RouteReasonUnsupportedValue, field, at.Text}
}

// anyBackend knows every backend.
type anyBackend struct{}

func (anyBackend) resolve(gatewayv1.BackendObjectReference) (service string, ok bool) {
	return "any", true
}

func (anyBackend) serve500() string { return "any" }
