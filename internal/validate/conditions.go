package validate

import (
	"fmt"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/cel"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
)

// RuleStrict is the rule of what the newest of GKE's CRDs refuses, and what works here.
const RuleStrict = "RefusedByGKE"

// extensions says what no condition of an extension says: parts of match conditions that can never hold and, if strict, what
// the newest of GKE's CRDs refuses.
func (w *world) extensions(strict bool) []manifests.Problem {
	var all []manifests.Problem
	for _, k := range []string{kind.GCPRoutingExtension, kind.GCPTrafficExtension} {
		w.snapshot.Walk(k, "", "", func(e *store.Entry) bool {
			x := extensionJudge{world: w, entry: e, strict: strict}
			x.judge()
			all = append(all, x.problems...)
			return true
		})
	}
	return all
}

type extensionJudge struct {
	world    *world
	entry    *store.Entry
	strict   bool
	problems []manifests.Problem
}

func (x *extensionJudge) judge() {
	chains := x.chainsOf()
	eachMatcher(chains, x.matcher)
	for i := range chains {
		for k := range chains[i].Extensions {
			x.extension(fmt.Sprintf("spec.extensionChains[%d].extensions[%d]", i, k), &chains[i].Extensions[k])
		}
	}
}

// eachMatcher calls f for the expressions by which chains choose requests.
func eachMatcher(chains []networkingv1.ExtensionChain, f func(field, expr string)) {
	for i := range chains {
		m := chains[i].MatchCondition
		if m == nil {
			continue
		}
		for k, e := range m.CELExpressions {
			f(fmt.Sprintf("spec.extensionChains[%d].matchCondition.celExpressions[%d].celMatcher", i, k), e.CELMatcher)
		}
	}
}

func (x *extensionJudge) matcher(field, expr string) {
	p, err := cel.Compile(expr)
	if err != nil {
		return // the condition Accepted says so
	}
	for _, text := range p.Warnings() {
		x.problems = append(x.problems, x.world.problemOf(x.entry, manifests.Warning, field, "NeverMatches", text))
	}
	if err := cel.CheckStrict(expr); err != nil && expr != "" {
		x.refuse(field, err.Error())
	}
}

func (x *extensionJudge) extension(field string, e *networkingv1.Extension) {
	if x.entry.Ref.Kind == kind.GCPTrafficExtension && len(e.SupportedEvents) == 0 {
		x.refuse(field+".supportedEvents", "supportedEvents must be set for GCPTrafficExtension")
	}
	if len(e.ForwardAttributes) > 0 {
		x.refuse(field+".forwardAttributes", "GKE's CRD has no such field")
	}
}

// refuse adds what GKE refuses.
func (x *extensionJudge) refuse(field, text string) {
	if x.strict {
		x.add(field, RuleStrict, text)
	}
}
