package extension

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// attachment is what a Gateway has of a kind of extensions.
type attachment struct {
	// Attached are those that are served, in order.
	Attached []store.Ref
	// Names are the resources by port.
	Names map[int32]string
	// Plugins are the GCPWasmPlugins that they name.
	Plugins []store.Ref
}

// Equal compares values.
func (a *attachment) Equal(other any) bool {
	o, ok := other.(*attachment)
	return ok && slices.Equal(a.Attached, o.Attached) && slices.Equal(a.Plugins, o.Plugins) && maps.Equal(a.Names, o.Names)
}

// attachmentOf reads an attachment; ok is false without any extension.
func attachmentOf(v *recompute.View, k attachmentKey) (a *attachment, ok, held bool) {
	return recompute.Value[*attachment](v, unitAttachment, k.String())
}

// translateAttachment publishes what the extensions of a kind make of a Gateway. One is attached, the oldest; where a
// Configuration says so, all are, the oldest's chains first.
func translateAttachment(v *recompute.View, key string) recompute.Result {
	k, ok := parseAttachmentKey(key)
	if !ok {
		return recompute.Result{}
	}
	gw, ok, held := gateway.ListenersOf(v, k.gateway)
	if !ok {
		return recompute.Result{State: stateOf(held)}
	}
	if fact.Pending(v, k.gateway.Cluster, k.kind) {
		return recompute.Result{State: recompute.Held}
	}
	refs := candidates(v, k)
	if len(refs) == 0 {
		return recompute.Result{}
	}
	if !settings(v).Merge {
		refs = refs[:1]
	}
	var members []*member
	for _, ref := range refs {
		m, ok, held := recompute.Value[*member](v, unitMember, memberKey{ref, k.gateway}.String())
		if held {
			return recompute.Result{State: recompute.Held}
		}
		if ok {
			members = append(members, m)
		}
	}
	a := publisher{view: v, key: k, gw: gw, refs: refs, members: members}
	return a.result()
}

// candidates are the extensions that name a Gateway, the oldest first.
func candidates(v *recompute.View, k attachmentKey) []store.Ref {
	refs := slices.Clone(v.Index(indexTargets+k.kind, k.gateway.String()))
	age := map[store.Ref]int64{}
	for _, ref := range refs {
		if o := read(v, ref); o != nil {
			age[ref] = o.GetCreationTimestamp().UnixNano()
		}
	}
	slices.SortFunc(refs, func(a, b store.Ref) int {
		return cmp.Or(cmp.Compare(age[a], age[b]), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return refs
}

// publisher makes the resources of one attachment.
type publisher struct {
	view    *recompute.View
	key     attachmentKey
	gw      *gateway.Listeners
	refs    []store.Ref
	members []*member
}

func (p *publisher) result() recompute.Result {
	value := &attachment{Attached: p.refs, Names: map[int32]string{}, Plugins: p.pluginRefs()}
	result := recompute.Result{State: recompute.Present, Value: value}
	ports := p.ports()
	byRule := slices.ContainsFunc(p.members, func(m *member) bool { return m.ByRule }) && len(ports) > 1
	var rules []string
	for _, port := range ports {
		rules = append(rules, frontend.Rule(p.gw.Scope, p.key.gateway, port))
	}
	for i, port := range ports {
		value.Names[port] = p.name(port, byRule)
		switch {
		case byRule:
			result.Resources = append(result.Resources, p.resource(port, byRule, rules[i:i+1]))
		case i == 0:
			result.Resources = append(result.Resources, p.resource(port, byRule, rules))
		}
	}
	return result
}

// ports are those that the Gateway is served on, each once.
func (p *publisher) ports() []int32 {
	var out []int32
	for _, l := range p.gw.Serving {
		if l.Problem == nil && !slices.Contains(out, l.Port) {
			out = append(out, l.Port)
		}
	}
	slices.Sort(out)
	return out
}

func (p *publisher) name(port int32, byRule bool) string {
	variant := p.gw.Scope.Variant()
	if byRule {
		variant += "|" + frontend.Rule(p.gw.Scope, p.key.gateway, port)
	}
	if p.key.kind == kind.GCPRoutingExtension {
		return p.gw.Scope.Namer().RouteExtension(p.gw.Namespace, p.gw.Name, variant)
	}
	return p.gw.Scope.Namer().TrafficExtension(p.gw.Namespace, p.gw.Name, variant)
}

func (p *publisher) resource(port int32, byRule bool, rules []string) *lbv1.Resource {
	ref := p.refs[0]
	x := &lbv1.LbExtension{
		Scheme: p.gw.Scope.Scheme, Region: p.gw.Scope.Region, ForwardingRules: rules, Owner: owner.Of(ref),
		Description: owner.Describe(collection(ref), ref.Namespace, ref.Name, fleet.MemberOf(p.view, ref.Cluster)),
	}
	rule := strings.TrimPrefix(p.gw.Scope.Path(p.gw.Project, "forwardingRules", rules[0]), "/")
	for _, m := range p.members {
		for _, chain := range m.Chains {
			x.Chains = append(x.Chains, expand(chain, rule))
		}
	}
	r := &lbv1.Resource{Name: p.name(port, byRule), Body: &lbv1.Resource_LbTrafficExtension{LbTrafficExtension: x}}
	if p.key.kind == kind.GCPRoutingExtension {
		r.Body = &lbv1.Resource_LbRouteExtension{LbRouteExtension: x}
	}
	return r
}

// expand puts the forwarding rule into the metadata that ask for it.
func expand(chain *lbv1.ExtensionChain, rule string) *lbv1.ExtensionChain {
	chain = proto.CloneOf(chain)
	for _, e := range chain.GetExtensions() {
		for key, text := range e.GetMetadata() {
			e.Metadata[key] = strings.ReplaceAll(text, ruleVariable, rule)
		}
	}
	return chain
}

// pluginRefs are the GCPWasmPlugins that the attached extensions name today.
func (p *publisher) pluginRefs() []store.Ref {
	var out []store.Ref
	for _, ref := range p.refs {
		o := read(p.view, ref)
		if o == nil {
			continue
		}
		for _, chain := range specOf(o).ExtensionChains {
			for _, e := range chain.Extensions {
				if e.BackendRef == nil || e.BackendRef.Kind != kindPlugin {
					continue
				}
				plugin := store.Ref{Cluster: ref.Cluster, Kind: kind.GCPWasmPlugin, Namespace: ref.Namespace, Name: e.BackendRef.Name}
				if !slices.Contains(out, plugin) {
					out = append(out, plugin)
				}
			}
		}
	}
	return out
}

// collection is an extension's kind in a description.
func collection(ref store.Ref) string { return strings.ToLower(kind.Bare(ref.Kind)) + "s" }

// translateExtensions says what the target proxies of a Gateway name.
func translateExtensions(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	out := frontend.Extensions{}
	for _, k := range kinds() {
		a, ok, held := attachmentOf(v, attachmentKey{k, ref})
		switch {
		case held:
			return recompute.Result{State: recompute.Held}
		case !ok:
		case k == kind.GCPRoutingExtension:
			out.Route = a.Names
		default:
			out.Traffic = a.Names
		}
		if ok {
			out.Plugins = append(out.Plugins, readPlugins(v, a.Plugins)...)
		}
	}
	return recompute.Result{State: recompute.Present, Value: out}
}

// readPlugins are those that are published.
func readPlugins(v *recompute.View, refs []store.Ref) []frontend.Plugin {
	var out []frontend.Plugin
	for _, ref := range refs {
		if p, ok, _ := recompute.Value[*plugin](v, unitPlugin, ref.String()); ok && p.Main != "" {
			out = append(out, frontend.Plugin{Name: p.Name, Versions: p.Versions})
		}
	}
	return out
}
