package extension

import (
	"fmt"
	"maps"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// translateStatus says what became of an extension on each Gateway that it names. A Gateway of another controller is that one's
// to speak of.
func translateStatus(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	o := read(v, ref)
	if o == nil {
		return recompute.Result{}
	}
	status, multi := &gatewayv1.PolicyStatus{Ancestors: []gatewayv1.PolicyAncestorStatus{}}, false
	var events []recompute.Write
	for _, t := range specOf(o).TargetRefs {
		a, ours, held := judgeTarget(v, ref, o, t)
		if held {
			return recompute.Result{State: recompute.Held}
		}
		if ours && len(status.Ancestors) < maxAncestors {
			status.Ancestors = append(status.Ancestors, a.status())
			events = append(events, a.events()...)
			multi = multi || a.serving.Multi
		}
	}
	writes := append(statusWrites(ref, status), objectEvents(ref, o, gateway.EventSource(multi))...)
	return recompute.Result{State: recompute.Present, Writes: append(writes, events...)}
}

// statusWrites: an object that is nobody's has no status.
func statusWrites(ref store.Ref, status *gatewayv1.PolicyStatus) []recompute.Write {
	if len(status.Ancestors) == 0 {
		return nil
	}
	return []recompute.Write{{Ref: ref, Part: recompute.PartStatus, Value: status}}
}

// judgeTarget is the verdict on an extension on one of its targets.
func judgeTarget(v *recompute.View, ref store.Ref, o store.Object, t networkingv1.LocalPolicyTargetReference) (a *verdict, ours, held bool) {
	gw, ok := targetOf(ref, t)
	a = &verdict{who: ref, generation: o.GetGeneration(), gateway: ancestorOf(gw), controller: policy.DefaultController(v)}
	if !ok {
		group, named := gatewayv1.Group(t.Group), gatewayv1.Kind(t.Kind)
		a.gateway.Group, a.gateway.Kind = &group, &named
		a.accepted = &problem{Reason: reasonNoMatchingTarget, Message: fmt.Sprintf(
			"a %s cannot target kind %q of group %q, only Gateways", kind.Bare(ref.Kind), t.Kind, t.Group)}
		return a, true, false
	}
	if v.Get(gw) == nil {
		a.accepted = &problem{Reason: reasonNoMatchingTarget, Message: fmt.Sprintf("gateway %q not found in namespace %q", t.Name, ref.Namespace)}
		return a, true, false
	}
	a.controller = gateway.ControllerOf(v, gw)
	at, ok, held := attachmentOf(v, attachmentKey{ref.Kind, gw})
	if !ok {
		return a, false, held
	}
	if !slices.Contains(at.Attached, ref) {
		a.accepted = &problem{Reason: reasonConflicted, Message: fmt.Sprintf(
			"%s %q, which is older, is attached to Gateway %q already, and a Gateway has one", kind.Bare(ref.Kind), nameOf(at.Attached[0]), nameOf(gw))}
		return a, true, false
	}
	m, ok, held := recompute.Value[*member](v, unitMember, memberKey{ref, gw}.String())
	if !ok {
		return a, false, held
	}
	a.read(v, m, at)
	a.served(v, gw, slices.Collect(maps.Values(at.Names)))
	return a, true, false
}

// read takes what is known of a member of an attachment, for whose first one the proxies' progress is counted. Where nobody answers,
// that is why requests fail.
func (a *verdict) read(v *recompute.View, m *member, at *attachment) {
	problems := slices.Clone(m.Problems)
	silent := map[string]bool{}
	for _, key := range m.Calls {
		if p := silence(v, key); p != nil {
			problems = append(problems, *p)
			silent[backend.Of(v, key).Service] = true
		}
	}
	problems = append(problems, failing(v, a.who.Kind, at, m.Chains, func(e *lbv1.Extension) bool { return !silent[e.GetBackendService()] })...)
	a.accepted, a.references = sum(problems, againstAccepted), sum(problems, againstReferences)
	a.waiting, a.notes = sum(problems, againstProgrammed), m.Notes
	a.follow(v, at.Attached[0])
	for _, ref := range m.Needs {
		a.follow(v, ref)
	}
}
