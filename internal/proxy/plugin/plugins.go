package plugin

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// Config is what a proxy has for its plugins.
type Config struct {
	// Modules gives compiled modules. Proxies of one process share them.
	Modules *Modules
	// Logger takes what plugins log; nil drops it.
	Logger *slog.Logger
	// Metrics counts; nil does not.
	Metrics *metrics.Registry
	// Timeout bounds each callback; 0 is wasm.DefaultTimeout.
	Timeout time.Duration
	// Services makes the calls of plugins in the full profile; nil makes none.
	Services Services
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Services gives versions of plugins what makes their calls.
type Services interface {
	// Announce is told of a version before it starts, with its plugin as it will be.
	Announce(plugin, version string, of *lbv1.WasmPlugin)
	Services(plugin, version string) wasm.Services
}

// Plugins are the versions that run in a proxy.
type Plugins struct {
	config Config
	shared *wasm.Shared

	// starting is held while a version is compiled and started, which takes its time; it guards refused.
	starting sync.Mutex
	refused  refusals

	// mu guards the maps, and is held for no longer than a look at them takes.
	mu       sync.Mutex
	versions map[string]weak.Pointer[Version]
	last     map[string]weak.Pointer[Version] // the version that started last, by plugin
}

var _ chains.Plugins = (*Plugins)(nil)

// New makes them. There is nothing to close.
func New(c Config) *Plugins {
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Plugins{
		config: c, shared: wasm.NewShared(), refused: refusals{},
		versions: map[string]weak.Pointer[Version]{}, last: map[string]weak.Pointer[Version]{},
	}
	if c.Metrics != nil {
		c.Metrics.Guests.From(p.guests)
	}
	return p
}

// Plugin implements chains.Plugins. Where the version does not start, the one of the same plugin that runs already goes on.
func (p *Plugins) Plugin(u chains.Use, of *lbv1.WasmPlugin, name string, spec *lbv1.WasmPluginVersion) (extension.Extension, error) {
	if p.config.Services != nil {
		p.config.Services.Announce(spec.GetPlugin(), name, of)
	}
	v, err := p.Version(name, spec)
	if err != nil {
		if v = p.instead(name, spec, err); v == nil {
			return extension.Extension{}, err
		}
	}
	return v.Extension(u.Kind, u.Extension, of.GetLogging()), err
}

// Version is a module with its configuration, and its instances.
type Version struct {
	// Name is the resource's.
	Name   string
	plugin *wasm.Plugin
	state  *state
	module *module
}

// state is what instances refer to, which must not keep their version alive.
type state struct {
	logger  *slog.Logger
	events  *metrics.PluginEvents
	plugin  string
	version string
	logging atomic.Pointer[lbv1.PluginLogging]
}

// Version compiles and starts a version, or finds the one that runs.
func (p *Plugins) Version(name string, spec *lbv1.WasmPluginVersion) (*Version, error) {
	p.starting.Lock()
	defer p.starting.Unlock()
	key := name + "\x00" + profileOf(spec).String() + "\x00" + spec.GetImageDigest() + "\x00" + spec.GetConfigDigest() + "\x00" + string(spec.GetConfigData())
	if v := p.find(key); v != nil {
		return v, nil
	}
	if err := p.refused.known(key, p.config.Now()); err != nil {
		return nil, err
	}
	v, err := p.make(name, spec)
	if err != nil {
		if hasPause(err) || givenUp(err) {
			return nil, err
		}
		return nil, p.refused.add(key, err, p.config.Now())
	}
	p.refused.forget(key)
	p.add(key, spec.GetPlugin(), v)
	return v, nil
}

func (p *Plugins) make(name string, spec *lbv1.WasmPluginVersion) (*Version, error) {
	m, err := p.config.Modules.get(profileOf(spec), spec.GetImage(), spec.GetImageDigest())
	if err != nil {
		return nil, err
	}
	return p.start(name, spec, m)
}

// find is a version that runs, or nil.
func (p *Plugins) find(key string) *Version {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.versions[key].Value()
}

func (p *Plugins) add(key, plugin string, v *Version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	p.versions[key] = weak.Make(v)
	p.last[plugin] = p.versions[key]
}

func profileOf(spec *lbv1.WasmPluginVersion) wasm.Profile {
	if spec.GetProfile() == lbv1.WasmPluginVersion_FULL {
		return wasm.Full
	}
	return wasm.GCP
}

// instead is the version of the same plugin that runs; nil if none does.
func (p *Plugins) instead(name string, spec *lbv1.WasmPluginVersion, why error) *Version {
	if !givenUp(why) {
		p.newState(name, spec).count(eventRefused)
	}
	p.mu.Lock()
	v := p.last[spec.GetPlugin()].Value()
	p.mu.Unlock()
	if p.config.Logger != nil && !givenUp(why) {
		running := "none: each use of it is a failure"
		if v != nil {
			running = v.Name
		}
		p.config.Logger.Error("plugin version cannot run", "plugin", spec.GetPlugin(), "version", name, "running", running, "reason", why.Error())
	}
	return v
}

func (p *Plugins) newState(name string, spec *lbv1.WasmPluginVersion) *state {
	s := &state{plugin: spec.GetPlugin(), version: name, logger: p.config.Logger}
	if p.config.Metrics != nil {
		s.events = &p.config.Metrics.Plugins
	}
	return s
}

func (p *Plugins) start(name string, spec *lbv1.WasmPluginVersion, m *module) (*Version, error) {
	s := p.newState(name, spec)
	c := wasm.PluginConfig{
		Name: spec.GetPlugin(), Configuration: spec.GetConfigData(), Timeout: p.config.Timeout, Log: s.log, Crashed: s.crashed, Shared: p.shared,
	}
	if p.config.Services != nil {
		c.Services = p.config.Services.Services(spec.GetPlugin(), name)
	}
	running, err := m.Plugin(c)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", spec.GetImage(), err)
	}
	v := &Version{Name: name, plugin: running, state: s, module: m}
	// The module outlives the version's instances: the cleanup of one holds the other.
	runtime.AddCleanup(v, func(r held) { r.plugin.Close(); runtime.KeepAlive(r.module) }, held{running, m})
	return v, nil
}

type held struct {
	plugin *wasm.Plugin
	module *module
}

// sweep forgets what is gone. mu is held.
func (p *Plugins) sweep() {
	for k, v := range p.versions {
		if v.Value() == nil {
			delete(p.versions, k)
		}
	}
	for k, v := range p.last {
		if v.Value() == nil {
			delete(p.last, k)
		}
	}
}

// count adds one to an event of the version.
func (s *state) count(event string) {
	if s.events != nil {
		s.events.Inc(s.plugin, s.version, event)
	}
}

func (s *state) crashed(t *wasm.Trap) {
	event := eventCrashed
	if t.Deadline {
		event = eventDeadline
	}
	s.count(event)
	if s.logger != nil {
		s.logger.Error("plugin crashed", "plugin", s.plugin, "version", s.version, "callback", t.Callback, "reason", t.Reason, "stack", t.Stack)
	}
}
