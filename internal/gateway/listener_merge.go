package gateway

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// IndexSets files ListenerSets under their Gateway's Ref.
const IndexSets = "gateway.listenersets"

func setKeys(ref store.Ref, o store.Object) []string {
	set, ok := o.(*gatewayv1.ListenerSet)
	if !ok {
		return nil
	}
	gateway, ok := parentOfSet(ref, set)
	if !ok {
		return nil
	}
	return []string{gateway.String()}
}

// parentOfSet is the Gateway that a ListenerSet belongs to; ok is false for parents of other kinds.
func parentOfSet(ref store.Ref, set *gatewayv1.ListenerSet) (gateway store.Ref, ok bool) {
	p := set.Spec.ParentRef
	return parentGateway(ref, gatewayv1.ParentReference{Group: p.Group, Kind: p.Kind, Name: p.Name, Namespace: p.Namespace})
}

// gatewayOfSet reads which Gateway a ListenerSet belongs to; ok is false if it is not there.
func gatewayOfSet(v *recompute.View, ref store.Ref) (gateway store.Ref, ok bool) {
	set, ok := wantedSet(v, ref)
	if !ok {
		return store.Ref{}, false
	}
	return parentOfSet(ref, set)
}

// allowsSet tells whether a Gateway takes a ListenerSet; known is false if the labels that it selects by are not. One that says
// nothing takes none.
func allowsSet(v *recompute.View, gateway store.Ref, allowed *gatewayv1.AllowedListeners, set store.Ref) (takes, known bool) {
	if !allowsSets(allowed) {
		return false, true
	}
	return admits(v, *allowed.Namespaces.From, allowed.Namespaces.Selector, gateway.Namespace, set)
}

func allowsSets(allowed *gatewayv1.AllowedListeners) bool {
	return allowed != nil && allowed.Namespaces != nil && allowed.Namespaces.From != nil && *allowed.Namespaces.From != gatewayv1.NamespacesFromNone
}

// attachedSet is a ListenerSet that a Gateway takes.
type attachedSet struct {
	ref store.Ref
	*servedSet
}

// attachedSets are the ListenerSets that a Gateway takes by what it allows, the first in precedence first.
func attachedSets(v *recompute.View, gateway store.Ref, allowed *gatewayv1.AllowedListeners) (sets []attachedSet) {
	if !allowsSets(allowed) {
		return nil
	}
	for _, ref := range setsOf(v, gateway) {
		if takes, _ := allowsSet(v, gateway, allowed, ref); !takes {
			continue
		}
		if set, ok := servedSetOf(v, ref); ok {
			sets = append(sets, attachedSet{ref, set})
		}
	}
	slices.SortFunc(sets, func(a, b attachedSet) int { return strings.Compare(a.Age, b.Age) })
	return sets
}

// setsOf are the ListenerSets that name a Gateway, those that it served before a restart among them until all are listed.
func setsOf(v *recompute.View, gateway store.Ref) []store.Ref {
	refs := v.Index(IndexSets, gateway.String())
	if !fact.Pending(v, gateway.Cluster, kind.ListenerSet) {
		return refs
	}
	refs = slices.Clone(refs)
	for _, member := range v.First(tallyServedSets, gateway.String(), v.Count(tallyServedSets, gateway.String())) {
		if ref, ok := store.ParseRef(member); ok && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// merge puts the listeners of ListenerSets behind the Gateway's own. One that does not go with those before it is not accepted.
// Of a Gateway that is broken, nothing is served of them either.
func (g *Listeners) merge(gateway store.Ref, sets []attachedSet, broken bool) {
	// Those that are kept of an earlier version count as well: they have their port and host still.
	taken := slices.Concat(g.Listeners, g.Serving)
	g.Listeners, g.Serving = slices.Clip(g.Listeners), slices.Clip(g.Serving)
	for _, set := range sets {
		read := func(listeners []gatewayv1.Listener, problems []*ListenerProblem) []Listener {
			all := readListeners(listeners, problems, gateway, g.Scope, g.Strict)
			for i := range all {
				all[i].Set, all[i].Namespace = set.ref, set.ref.Namespace
				if problem := yields(&all[i], taken); problem != nil {
					all[i].Problem = problem
				}
			}
			return all
		}
		today := read(set.Today, set.TodayProblems)
		served := today
		switch {
		case set.Broken:
			served = nil
		case set.Held || set.Kept:
			served, g.Kept = serving(read(set.Spec.Listeners, set.Problems), today), true
		}
		g.Listeners = append(g.Listeners, today...)
		taken = append(taken, today...)
		taken = append(taken, served...)
		if !broken {
			g.Serving = append(g.Serving, served...)
		}
	}
}

// yields is why a listener does not go with those of higher precedence, or nil.
func yields(l *Listener, before []Listener) *ListenerProblem {
	unsupported := l.Problem != nil && l.Problem.Reason == gatewayv1.ListenerReasonUnsupportedProtocol
	for i := range before {
		other := &before[i]
		switch {
		case other.Problem != nil || other.Port != l.Port:
		case unsupported || other.TLS != l.TLS:
			return &ListenerProblem{
				Reason: gatewayv1.ListenerReasonProtocolConflict, Conflicted: true,
				Message: "a listener of the Gateway, or of a ListenerSet that goes first, has another protocol on the same port",
			}
		case other.Host == l.Host && l.Problem == nil:
			return &ListenerProblem{
				Reason: gatewayv1.ListenerReasonHostnameConflict, Conflicted: true,
				Message: "a listener of the Gateway, or of a ListenerSet that goes first, has the same hostname on the same port",
			}
		}
	}
	return nil
}

// own are the listeners that stand in the Gateway itself. They come first.
func (g *Listeners) own() []Listener {
	n := slices.IndexFunc(g.Listeners, func(l Listener) bool { return l.Set != store.Ref{} })
	if n < 0 {
		return g.Listeners
	}
	return g.Listeners[:n]
}

// serves tells whether a listener is served, by its ID.
func (g *Listeners) serves(id string) bool {
	return slices.ContainsFunc(g.Serving, func(l Listener) bool { return l.Problem == nil && l.ID() == id })
}
