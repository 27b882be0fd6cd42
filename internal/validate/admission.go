package validate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/cel"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/outage"
	"github.com/spillway-lb/spillway/internal/store"
)

// Rules of refusals.
const (
	RuleInvalidExpression = "InvalidCELExpression"
	RuleMissing           = "Missing"
)

// Admission judges one object of a snapshot that holds what would be said of it. Refused is what an API server is to refuse: what no
// other object can mend; if strict also what Google's documentation shows GKE refusing: references of extensions that lead nowhere, and
// what the newest of its CRDs refuses. All else is worth knowing only: the order in which objects are applied does not matter.
func Admission(snapshot *store.Snapshot, ref store.Ref, strict bool) (refused, warnings []manifests.Problem) {
	e := snapshot.Get(ref)
	if e == nil {
		return nil, nil
	}
	w := &world{snapshot: snapshot, places: newPlaces("")}
	x := extensionJudge{world: w, entry: e, strict: strict}
	x.judge()
	x.expressions()
	own := slices.Concat(x.missing(), x.problems)
	warnings = slices.DeleteFunc(w.judge(e), func(p manifests.Problem) bool {
		repeats := func(o manifests.Problem) bool { return strings.Contains(p.Message, o.Message) }
		return p.Severity == manifests.Note || slices.ContainsFunc(own, repeats)
	})
	for _, p := range own {
		if p.Severity == manifests.Error && (strict || p.Rule != RuleMissing) {
			refused = append(refused, p)
		} else {
			warnings = append(warnings, p)
		}
	}
	return refused, warnings
}

// spec is nil for what is no extension.
func (x *extensionJudge) spec() *networkingv1.ExtensionSpec {
	switch o := x.entry.Object.(type) {
	case *networkingv1.GCPRoutingExtension:
		return &o.Spec
	case *networkingv1.GCPTrafficExtension:
		return &o.Spec
	}
	return nil
}

func (x *extensionJudge) chainsOf() []networkingv1.ExtensionChain {
	if spec := x.spec(); spec != nil {
		return spec.ExtensionChains
	}
	return nil
}

// expressions are those that do not compile: whatever else is applied, they never will.
func (x *extensionJudge) expressions() {
	eachMatcher(x.chainsOf(), func(field, expr string) {
		if _, err := cel.Compile(expr); err != nil {
			x.add(field, RuleInvalidExpression, err.Error())
		}
	})
}

// add adds an error.
func (x *extensionJudge) add(field, rule, text string) {
	x.problems = append(x.problems, x.world.problemOf(x.entry, manifests.Error, field, rule, text))
}

// missing is what an extension refers to and what is not there. Fields and texts are those of Google's documentation.
func (x *extensionJudge) missing() []manifests.Problem {
	spec := x.spec()
	if spec == nil {
		return nil
	}
	m := extensionJudge{world: x.world, entry: x.entry}
	for _, t := range spec.TargetRefs {
		if t.Group == kind.GroupGateway && t.Kind == "Gateway" && !m.has(kind.Gateway, t.Name) {
			m.add("spec.gatewayRef", RuleMissing, fmt.Sprintf("gateway %q not found in namespace %q", t.Name, x.entry.Ref.Namespace))
		}
	}
	for _, chain := range spec.ExtensionChains {
		for _, e := range chain.Extensions {
			if r := e.BackendRef; r != nil && r.Group == "" && r.Kind == "Service" {
				m.service(r)
			}
		}
	}
	return slices.Compact(m.problems)
}

// has tells whether an object of the extension's namespace is there; what has not been listed may be.
func (x *extensionJudge) has(kind, name string) bool {
	return x.get(kind, name) != nil || fact.Pending(x.world.snapshot, x.entry.Ref.Cluster, kind)
}

func (x *extensionJudge) get(kind, name string) *store.Entry {
	return x.world.snapshot.Get(store.Ref{Cluster: x.entry.Ref.Cluster, Kind: kind, Namespace: x.entry.Ref.Namespace, Name: name})
}

// service looks at a Service that is called, its port and its endpoints. Pods that are not ready are endpoints, too.
func (x *extensionJudge) service(r *networkingv1.ExtensionServiceReference) {
	const field = "spec.service"
	if !x.has(kind.Service, r.Name) {
		x.add(field, RuleMissing, fmt.Sprintf("service %q not found in namespace %q", r.Name, x.entry.Ref.Namespace))
		return
	}
	e := x.get(kind.Service, r.Name)
	if e == nil {
		return
	}
	port := int32(0)
	if r.Port != nil {
		port = *r.Port
	}
	service, ok := e.Object.(*corev1.Service)
	switch {
	case !ok:
		return
	case !hasPort(service, port):
		x.add(field, RuleMissing, fmt.Sprintf("port %d of service %q not found in namespace %q", port, r.Name, x.entry.Ref.Namespace))
		return
	case fact.Pending(x.world.snapshot, e.Ref.Cluster, kind.EndpointSlice, kind.Pod):
		return
	}
	if why, silent := outage.Why(x.world.snapshot, e, port); silent && why.Rule != outage.NoReadyPods {
		x.add(field, RuleMissing, fmt.Sprintf("no network endpoints found for service %q", r.Name))
	}
}
