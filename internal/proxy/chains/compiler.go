package chains

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/callout"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

// Use is one extension of a chain, as its maker sees it.
type Use struct {
	Kind extension.Kind
	// Resource is the lb_route_extension or lb_traffic_extension, Chain the chain in it.
	Resource, Chain string
	Extension       *lbv1.Extension
}

// Plugins makes extensions of Wasm plugins.
type Plugins interface {
	// Plugin is asked for each use of a plugin's main version. With an error and no extension each use is a failure, and fail_open
	// decides; with an extension, that is what runs instead. An error with a method Again says when to ask again.
	Plugin(u Use, p *lbv1.WasmPlugin, name string, v *lbv1.WasmPluginVersion) (extension.Extension, error)
}

// Compiler makes chains. Its zero value runs callouts alone: each use of a plugin is then a failure.
type Compiler struct {
	Plugins Plugins
	// Records take how extensions fare; nil takes nothing.
	Records *passive.Records
	faults  *[]extension.Fault
}

// Provider is what a proxy asks.
func (c Compiler) Provider() extension.Provider { return c.compile }

// Names of fields of the oneof in lb.v1.Resource.
const (
	kindRoute   = "lb_route_extension"
	kindTraffic = "lb_traffic_extension"
	kindPlugin  = "wasm_plugin"
	kindVersion = "wasm_plugin_version"
)

func (c Compiler) compile(_ string, p *lbv1.TargetProxy, r extension.Resources) (*extension.Chains, error) {
	if p.GetRouteExtension() == "" && p.GetTrafficExtension() == "" {
		return nil, nil
	}
	out := &extension.Chains{}
	c.faults = &out.Faults
	var err error
	if name := p.GetRouteExtension(); name != "" {
		out.Route, err = c.chains(extension.Route, name, r.Resource(kindRoute, name).GetLbRouteExtension(), r)
	}
	if name := p.GetTrafficExtension(); name != "" && err == nil {
		out.Traffic, err = c.chains(extension.Traffic, name, r.Resource(kindTraffic, name).GetLbTrafficExtension(), r)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c Compiler) chains(kind extension.Kind, name string, x *lbv1.LbExtension, r extension.Resources) ([]extension.Chain, error) {
	if x == nil {
		return nil, fmt.Errorf("lb_%s_extension %q does not exist", kind, name)
	}
	var out []extension.Chain
	for _, spec := range x.GetChains() {
		chain, err := c.chain(kind, name, spec, r)
		if err != nil {
			return nil, fmt.Errorf("lb_%s_extension %q: chain %q: %w", kind, name, spec.GetName(), err)
		}
		out = append(out, chain)
	}
	return out, nil
}

func (c Compiler) chain(kind extension.Kind, resource string, spec *lbv1.ExtensionChain, r extension.Resources) (extension.Chain, error) {
	chain := extension.Chain{Name: spec.GetName()}
	m, err := matchOf(kind, spec)
	if err != nil {
		return chain, err
	}
	if m != nil {
		chain.Match, chain.Explain = m.match, m.explain
	}
	if len(spec.GetExtensions()) == 0 {
		return chain, errors.New("has no extensions")
	}
	for _, e := range spec.GetExtensions() {
		made, err := c.extension(Use{Kind: kind, Resource: resource, Chain: spec.GetName(), Extension: e}, spec.GetFault(), r)
		if err != nil {
			return chain, fmt.Errorf("extension %q: %w", e.GetName(), err)
		}
		made.Name = e.GetName()
		chain.Extensions = append(chain.Extensions, made)
	}
	return chain, nil
}

// record is the one of an extension as it is now: another one of the name, or another version of its plugin, begins with none.
func (c Compiler) record(u Use, version string) *passive.Record {
	if c.Records == nil {
		return nil
	}
	spec, err := proto.MarshalOptions{Deterministic: true}.Marshal(u.Extension)
	if err != nil {
		return nil
	}
	kind := kindRoute
	if u.Kind == extension.Traffic {
		kind = kindTraffic
	}
	return c.Records.Record(passive.Use{Kind: kind, Resource: u.Resource, Chain: u.Chain, Extension: u.Extension.GetName()}, version+"\x00"+string(spec))
}

// matchOf: a condition that is not known holds for every request, which fails then; but if the chain may be gone without, it must
// not stand before a chain behind it that may not.
func matchOf(kind extension.Kind, spec *lbv1.ExtensionChain) (matcher, error) {
	closed := func(e *lbv1.Extension) bool { return !e.GetFailOpen() }
	switch {
	case spec.GetFault() == "":
		return compileMatch(kind, spec.GetMatch())
	case slices.ContainsFunc(spec.GetExtensions(), closed):
		return nil, nil
	}
	return matcher{}, nil // no condition holds
}

// extension makes one. One with a fault fails whenever it is used.
func (c Compiler) extension(u Use, fault string, r extension.Resources) (extension.Extension, error) {
	if fault == "" {
		fault = u.Extension.GetFault()
	}
	switch t := u.Extension.GetTarget().(type) {
	case *lbv1.Extension_BackendService:
		if fault == "" {
			made, err := newCallout(u, t.BackendService)
			made.Record = c.record(u, "")
			return made, err
		}
	case *lbv1.Extension_WasmPlugin:
		if fault == "" {
			return c.plugin(u, t.WasmPlugin, r)
		}
	default:
		if fault == "" {
			return extension.Extension{}, errors.New("has no target")
		}
	}
	return faulty(u, fault), nil
}

// errNoEvents is of an extension that would never run: it is refused, not passed by.
var errNoEvents = errors.New("has no events")

func newCallout(u Use, service string) (extension.Extension, error) {
	if d := u.Extension.GetTimeout(); d != nil && (d.AsDuration() < callout.MinTimeout || d.AsDuration() > callout.MaxTimeout) {
		return extension.Extension{}, fmt.Errorf("timeout %v is not between %v and %v", d.AsDuration(), callout.MinTimeout, callout.MaxTimeout)
	}
	if len(u.Extension.GetEvents()) == 0 {
		return extension.Extension{}, errNoEvents
	}
	s, err := callout.Compile(u.Kind, u.Resource, u.Chain, u.Extension)
	if err != nil {
		return extension.Extension{}, err
	}
	return extension.Extension{Service: service, Policy: s.Policy, New: s.New}, nil
}

func (c Compiler) plugin(u Use, name string, r extension.Resources) (extension.Extension, error) {
	if len(u.Extension.GetEvents()) == 0 {
		return extension.Extension{}, errNoEvents
	}
	p := r.Resource(kindPlugin, name).GetWasmPlugin()
	v := r.Resource(kindVersion, p.GetMainVersion()).GetWasmPluginVersion()
	switch {
	case p == nil:
		return extension.Extension{}, fmt.Errorf("wasm_plugin %q does not exist", name)
	case v == nil:
		return extension.Extension{}, fmt.Errorf("wasm_plugin_version %q does not exist", p.GetMainVersion())
	case c.Plugins == nil:
		return faulty(u, "this proxy runs no Wasm plugins"), nil
	}
	made, err := c.Plugins.Plugin(u, p, p.GetMainVersion(), v)
	if err != nil {
		*c.faults = append(*c.faults, extension.Fault{Kind: kindVersion, Name: p.GetMainVersion(), Text: err.Error(), Again: againAt(err)})
	}
	if err != nil && made.New == nil {
		return faulty(u, err.Error()), nil // the target proxy stays: refused, it would go on without the extension
	}
	made.Record = c.record(u, p.GetMainVersion())
	return made, nil
}

// againAt is when an error says that another try is worth while.
func againAt(err error) time.Time {
	var r interface{ Again() time.Time }
	if errors.As(err, &r) {
		return r.Again()
	}
	return time.Time{}
}

// fault is the error of an extension that cannot run.
type fault string

func (f fault) Error() string { return string(f) }

// Word implements extension.Cause.
func (fault) Word() string { return "config" }

// Text implements extension.Cause.
func (f fault) Text() string { return string(f) }

func faulty(u Use, text string) extension.Extension {
	open := u.Extension.GetFailOpen()
	return extension.Extension{New: func(x extension.Exchange) extension.Filter {
		return extension.NewFailed(extension.NewFailing(x, open), fault(text))
	}}
}
