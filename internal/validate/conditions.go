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
			switch o := e.Object.(type) {
			case *networkingv1.GCPRoutingExtension:
				x.chains(o.Spec.ExtensionChains)
			case *networkingv1.GCPTrafficExtension:
				x.traffic = true
				x.chains(o.Spec.ExtensionChains)
			}
			all = append(all, x.problems...)
			return true
		})
	}
	return all
}

type extensionJudge struct {
	world           *world
	entry           *store.Entry
	traffic, strict bool
	problems        []manifests.Problem
}

func (x *extensionJudge) chains(chains []networkingv1.ExtensionChain) {
	for i := range chains {
		at := fmt.Sprintf("spec.extensionChains[%d]", i)
		if m := chains[i].MatchCondition; m != nil {
			for k, e := range m.CELExpressions {
				x.matcher(fmt.Sprintf("%s.matchCondition.celExpressions[%d].celMatcher", at, k), e.CELMatcher)
			}
		}
		for k := range chains[i].Extensions {
			x.extension(fmt.Sprintf("%s.extensions[%d]", at, k), &chains[i].Extensions[k])
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
	if x.traffic && len(e.SupportedEvents) == 0 {
		x.refuse(field+".supportedEvents", "supportedEvents must be set for GCPTrafficExtension")
	}
	if len(e.ForwardAttributes) > 0 {
		x.refuse(field+".forwardAttributes", "GKE's CRD has no such field")
	}
}

// refuse adds what GKE refuses.
func (x *extensionJudge) refuse(field, text string) {
	if x.strict {
		x.problems = append(x.problems, x.world.problemOf(x.entry, manifests.Error, field, RuleStrict, text))
	}
}
