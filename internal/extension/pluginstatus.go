package extension

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// translatePluginStatus publishes the plugin with the version that runs, and says so on each Gateway that uses it. It is a unit
// of its own because it knows the Gateways that use the plugin, which depends on the plugin.
func translatePluginStatus(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	o, ok := recompute.Get[*networkingv1.GCPWasmPlugin](v, ref)
	if !ok {
		return recompute.Result{}
	}
	p, ok, held := recompute.Value[*plugin](v, unitPlugin, key)
	if !ok {
		return recompute.Result{State: stateOf(held)}
	}
	status, multi := &gatewayv1.PolicyStatus{Ancestors: []gatewayv1.PolicyAncestorStatus{}}, false
	var events []recompute.Write
	calls, ok, held := recompute.Value[*upstreams](v, unitUpstreams, key)
	if held {
		return recompute.Result{State: recompute.Held}
	}
	if !ok {
		calls = &upstreams{}
	}
	for _, user := range v.First(tallyPlugins, key, maxAncestors) {
		gw, _ := store.ParseRef(user)
		a := &verdict{who: ref, generation: o.Generation, gateway: ancestorOf(gw), controller: gateway.ControllerOf(v, gw)}
		at, ok, _ := attachmentOf(v, attachmentKey{kind.GCPTrafficExtension, gw})
		if !ok {
			at = &attachment{}
		}
		a.readPlugin(v, p, calls, gw, at)
		if ok {
			a.served(v, gw, slices.Collect(maps.Values(at.Names)))
		}
		status.Ancestors = append(status.Ancestors, a.status())
		events = append(events, a.events()...)
		multi = multi || a.serving.Multi
	}
	if len(status.Ancestors) == 0 {
		status.Ancestors = append(status.Ancestors, unusedPlugin(v, ref, o.Generation, p))
	}
	result := recompute.Result{State: recompute.Present, Writes: statusWrites(ref, status)}
	result.Writes = append(append(result.Writes, objectEvents(ref, o, gateway.EventSource(multi))...), events...)
	if p.Main != "" {
		result.Resources = []*lbv1.Resource{{Name: p.Name, Body: &lbv1.Resource_WasmPlugin{WasmPlugin: &lbv1.WasmPlugin{
			MainVersion: p.Main, Logging: loggingOf(o.Spec.LogConfig), Owner: owner.Of(ref), Upstreams: calls.List,
			Description: owner.Describe("gcpwasmplugins", ref.Namespace, ref.Name, fleet.MemberOf(v, ref.Cluster)),
		}}}}
	}
	return result
}

// unusedPlugin is what is said of a plugin that no extension of a Gateway names: an ancestor that is the plugin itself.
func unusedPlugin(v *recompute.View, ref store.Ref, generation int64, p *plugin) gatewayv1.PolicyAncestorStatus {
	a := &verdict{who: ref, generation: generation, gateway: ancestorOf(ref), controller: policy.DefaultController(v)}
	a.accepted, a.waiting = sum(p.problems(), againstAccepted), sum(p.problems(), againstProgrammed)
	accepted := a.condition(conditionAccepted, reasonAccepted, a.accepted)
	switch {
	case a.accepted != nil:
	case a.waiting != nil:
		accepted.Message = "no extension of a Gateway names it; " + a.waiting.Message
	default:
		accepted.Message = "no extension of a Gateway names it"
	}
	return gatewayv1.PolicyAncestorStatus{
		AncestorRef: a.gateway, ControllerName: a.controller, Conditions: []metav1.Condition{accepted},
	}
}

// readPlugin takes what is known of a plugin, and of how it fares in the extensions of a Gateway.
func (a *verdict) readPlugin(v *recompute.View, p *plugin, calls *upstreams, gw store.Ref, at *attachment) {
	problems := p.problems()
	for _, ref := range at.Attached {
		if m, ok, _ := recompute.Value[*member](v, unitMember, memberKey{ref, gw}.String()); ok {
			problems = append(problems, failing(v, ref.Kind, at, m.Chains, func(e *lbv1.Extension) bool { return e.GetWasmPlugin() == p.Name })...)
		}
	}
	a.judgeUpstreams(v, calls, problems...)
	a.follow(v, a.who)
}

// problems are what there is to say against today's version.
func (p *plugin) problems() []problem {
	if p.Problem == nil {
		return nil
	}
	return []problem{*p.Problem}
}
