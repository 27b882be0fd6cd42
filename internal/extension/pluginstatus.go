package extension

import (
	"maps"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// maxUsers bounds the list of a plugin's users, which is for people.
const maxUsers = 100

// translatePluginStatus publishes the plugin with the version that runs, and says so on each Gateway that uses it. It is a unit
// of its own because it knows who uses the plugin, which depends on the plugin.
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
	status, source := &gatewayv1.PolicyStatus{Ancestors: []gatewayv1.PolicyAncestorStatus{}}, gateway.EventSource(false)
	var events []recompute.Write
	for _, user := range v.First(tallyPlugins, key, maxAncestors) {
		gw, _ := store.ParseRef(user)
		a := &verdict{who: ref, generation: o.Generation, gateway: ancestorOf(gw), kept: p.Kept}
		a.readPlugin(v, p)
		if at, ok, _ := attachmentOf(v, attachmentKey{kind.GCPTrafficExtension, gw}); ok {
			a.served(v, gw, slices.Collect(maps.Values(at.Names)))
		}
		status.Ancestors = append(status.Ancestors, a.status())
		events = append(events, a.events(source)...)
	}
	result := recompute.Result{State: recompute.Present, Writes: statusWrites(ref, status)}
	result.Writes = append(append(result.Writes, objectEvents(ref, o, source)...), events...)
	if p.Main != "" {
		result.Resources = []*lbv1.Resource{{Name: p.Name, Body: &lbv1.Resource_WasmPlugin{WasmPlugin: &lbv1.WasmPlugin{
			MainVersion: p.Main, Logging: loggingOf(o.Spec.LogConfig), Owner: owner.Of(ref),
			Description: owner.Describe("gcpwasmplugins", ref.Namespace, ref.Name, fleet.MemberOf(v, ref.Cluster)),
			UsedBy:      v.First(tallyUsers, key, maxUsers),
		}}}}
	}
	return result
}

func (a *verdict) readPlugin(v *recompute.View, p *plugin) {
	if p.Problem != nil {
		problems := []problem{*p.Problem}
		a.accepted, a.waiting = first(problems, againstAccepted), first(problems, againstProgrammed)
	}
	a.follow(v, a.who)
}
