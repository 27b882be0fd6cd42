package extension

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// tallyPlugins has the Gateways that use a GCPWasmPlugin.
const tallyPlugins = "extension.plugins"

// member is an extension as a Gateway serves it.
type member struct {
	Chains []*lbv1.ExtensionChain
	// Problems are those of the version that is there today.
	Problems []problem
	// Notes are what users should know of today's version.
	Notes string
	// Needs are the objects of which it names resources.
	Needs []store.Ref
	// Calls are the backends that it calls.
	Calls []backend.Key
	// ByRule: its metadata name the forwarding rule, so it differs from port to port.
	ByRule bool
}

// Equal compares values.
func (m *member) Equal(other any) bool {
	o, ok := other.(*member)
	return ok && m.ByRule == o.ByRule && m.Notes == o.Notes && slices.Equal(m.Problems, o.Problems) && slices.Equal(m.Needs, o.Needs) && slices.Equal(m.Calls, o.Calls) &&
		slices.EqualFunc(m.Chains, o.Chains, func(a, b *lbv1.ExtensionChain) bool { return proto.Equal(a, b) })
}

// translateMember decides which version of an extension is served, and then follows what it names. A version that cannot be,
// whatever it names, gives way to the last that could, as long as that one's Gateway is of a class that allows it.
func translateMember(v *recompute.View, key string) recompute.Result {
	k, ok := parseMemberKey(key)
	if !ok {
		return recompute.Result{}
	}
	today := read(v, k.extension)
	if today == nil {
		return recompute.Result{State: stateOf(fact.Pending(v, k.extension.Cluster, k.extension.Kind))}
	}
	gw, ok, held := gateway.ListenersOf(v, k.gateway)
	if !ok {
		return recompute.Result{State: stateOf(held)}
	}
	class, ok := gateway.ClassOf(v, k.gateway.Cluster, gw.Class)
	if !ok {
		return recompute.Result{}
	}
	class = allowed(v, class)
	c := compiler{view: v, key: k, gw: gw, good: today}
	c.problems, c.notes = judge(k.extension.Kind, specOf(today), class)
	if asksForPlaces(specOf(today)) && !frontend.HasPlaces(v, k.gateway, gw.Class) {
		c.notes = append(c.notes, noPlaces)
	}
	if len(c.problems) > 0 {
		c.fallBack(class)
	}
	return c.result()
}

// noPlaces is of a Gateway whose clients' places nobody knows.
const noPlaces = "source.client_region: no Configuration names a database of places for this Gateway (spec.frontends[].geoDatabase), so it has no value"

// asksForPlaces tells whether an extension wants to know where clients are.
func asksForPlaces(spec *networkingv1.ExtensionSpec) bool {
	const region = "source.client_region"
	for _, chain := range spec.ExtensionChains {
		if m := chain.MatchCondition; m != nil && slices.ContainsFunc(m.CELExpressions, func(e networkingv1.CELExpression) bool {
			return strings.Contains(e.CELMatcher, region)
		}) {
			return true
		}
		for _, e := range chain.Extensions {
			if slices.Contains(e.ForwardAttributes, region) {
				return true
			}
		}
	}
	return false
}

func stateOf(held bool) recompute.State {
	if held {
		return recompute.Held
	}
	return recompute.Absent
}

// compiler makes the chains of one member.
type compiler struct {
	view *recompute.View
	key  memberKey
	gw   *gateway.Listeners
	// good is the version that is served, nil if it is today's with problems.
	good     store.Object
	problems []problem
	notes    []string
	kept     bool
	// referred are the problems of what the version that is served names.
	referred []problem
	services []string
	// unchecked are those of the services that have no health check.
	unchecked []string
	targets   []policy.Target
	plugins   []store.Ref
	needs     []store.Ref
	calls     []backend.Key
	byRule    bool
	held      bool
}

// fallBack takes the last good version, if there is one.
func (c *compiler) fallBack(class gateway.Class) {
	today := c.good
	c.good = nil
	last := c.view.Good()
	if last == nil || last.GetUID() != today.GetUID() {
		return
	}
	if problems, _ := judge(c.key.extension.Kind, specOf(last), class); len(problems) == 0 {
		c.good, c.kept = last, true
	}
}

func (c *compiler) result() recompute.Result {
	served := c.good
	if served == nil {
		served = read(c.view, c.key.extension)
	}
	value := &member{}
	spec := specOf(served)
	for i := range spec.ExtensionChains {
		value.Chains = append(value.Chains, c.chain(i, &spec.ExtensionChains[i]))
	}
	if c.held {
		return recompute.Result{State: recompute.Held}
	}
	if c.kept {
		for i := range c.problems {
			c.problems[i].Instead = "the last version without this stays in force"
		}
	}
	value.Problems, value.ByRule, value.Needs = slices.Concat(c.problems, c.referred), c.byRule, c.needs
	value.Notes = strings.Join(c.notes, "; ")
	value.Calls = c.calls
	return recompute.Result{State: recompute.Present, Value: value, Tallies: c.tallies(), Good: c.good}
}

// need remembers an object of which resources are named.
func (c *compiler) need(ref store.Ref) {
	if !slices.Contains(c.needs, ref) {
		c.needs = append(c.needs, ref)
	}
}

func (c *compiler) tallies() []recompute.Tally {
	var out []recompute.Tally
	gw := c.key.gateway.String()
	for _, s := range c.unchecked {
		out = append(out, recompute.Tally{Index: gateway.TallyUnchecked, Key: gw, Member: s})
	}
	for _, s := range c.services {
		out = append(out, recompute.Tally{Index: gateway.TallyBackends, Key: gw, Member: s})
	}
	for _, t := range c.targets {
		out = append(out, policy.AncestorTallies(t, c.key.gateway, c.gw.Controller)...)
	}
	for _, p := range c.plugins {
		out = append(out, recompute.Tally{Index: tallyPlugins, Key: p.String(), Member: gw})
	}
	slices.SortFunc(out, compareTallies)
	return slices.Compact(out)
}

// fault is why a part of the version that is served cannot run, "" if it can.
func (c *compiler) fault(chain, extension int) string {
	for _, p := range slices.Concat(c.ownProblems(), c.referred) {
		if !p.Harmless && (p.Chain < 0 || p.Chain == chain) && (p.Extension < 0 || p.Extension == extension) {
			return p.Message
		}
	}
	return ""
}

// ownProblems are those of the version that is served.
func (c *compiler) ownProblems() []problem {
	if c.kept {
		return nil
	}
	return c.problems
}
