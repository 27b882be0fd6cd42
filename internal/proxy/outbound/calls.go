package outbound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// Config is what calls are counted and logged with. Both may be nil.
type Config struct {
	Logger  *slog.Logger
	Metrics *metrics.Registry
}

// Calls are those of the plugins of one proxy.
type Calls struct {
	config Config

	mu     sync.Mutex
	root   func() *config.Root // nil before Connect
	caller *call.Caller
	// coming are plugins as they will be when the configuration that is being compiled is in force, by name.
	coming map[string]coming
	// changed is closed when another configuration is in force.
	changed chan struct{}
	running map[*running]struct{}
	ended   bool
	left    sync.WaitGroup
	// said is the word of the failure that was logged last, by plugin and upstream.
	said map[[2]string]string
}

// coming is a plugin that is not in force yet.
type coming struct {
	version   string
	upstreams []*lbv1.PluginUpstream
}

// maxComing bounds how long a call waits for the configuration of its plugin to be in force.
const maxComing = 10 * time.Second

// New makes calls that find nothing before Connect.
func New(c Config) *Calls {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Calls{
		config: c, coming: map[string]coming{}, changed: make(chan struct{}), running: map[*running]struct{}{}, said: map[[2]string]string{},
	}
}

// Connect says where the configuration in force is read, and what requests go through.
func (c *Calls) Connect(root func() *config.Root, caller *call.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.root, c.caller = root, caller
}

// Announce tells of a version that is about to start, with its plugin as it will be.
func (c *Calls) Announce(plugin, version string, of *lbv1.WasmPlugin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.plugin(plugin); at.GetMainVersion() != version {
		c.coming[plugin] = coming{version, of.GetUpstreams()}
	}
}

// Follow is called when another configuration is in force: calls that it does not permit any more end.
func (c *Calls) Follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, next := range c.coming {
		if c.plugin(name).GetMainVersion() == next.version {
			delete(c.coming, name)
		}
	}
	close(c.changed)
	c.changed = make(chan struct{})
	for r := range c.running {
		if r.service != "" && c.granted(r.plugin, r.upstream).GetBackendService() != r.service {
			r.cancel(errRevoked)
		}
	}
}

// End cuts the calls under way, and returns when they have ended. There are none after.
func (c *Calls) End() {
	c.mu.Lock()
	c.ended = true
	for r := range c.running {
		r.cancel(errEnded)
	}
	c.mu.Unlock()
	c.left.Wait()
}

var (
	errRevoked = errors.New("the plugin may not call the upstream any more")
	errEnded   = errors.New("the proxy ends")
	errPending = errors.New("the configuration that permits the call is not in force")
)

// plugin is one in force; nil if there is none. mu is held, as by the others.
func (c *Calls) plugin(name string) *lbv1.WasmPlugin {
	if c.root == nil {
		return nil
	}
	return c.root().Resource("wasm_plugin", name).GetWasmPlugin()
}

func (c *Calls) granted(plugin, upstream string) *lbv1.PluginUpstream {
	return find(c.plugin(plugin).GetUpstreams(), upstream)
}

func find(list []*lbv1.PluginUpstream, name string) *lbv1.PluginUpstream {
	if i := slices.IndexFunc(list, func(u *lbv1.PluginUpstream) bool { return u.GetName() == name }); i >= 0 {
		return list[i]
	}
	return nil
}

// look finds an upstream of a version's plugin. pending: it is that of a configuration which is not in force yet.
func (c *Calls) look(plugin, version, upstream string) (u *lbv1.PluginUpstream, pending bool) {
	if next, ok := c.coming[plugin]; ok && next.version == version {
		return find(next.upstreams, upstream), true
	}
	return c.granted(plugin, upstream), false
}

// running is a call under way.
type running struct {
	plugin, version, upstream string
	// service is the backend service, "" while the call waits for its configuration.
	service string
	ctx     context.Context
	cancel  context.CancelCauseFunc
}

// target is what a call goes to.
type target struct {
	caller  *call.Caller
	version *balance.Service
	service *call.Service
}

// begin counts a call in, and finds what it goes to. Who gets no error calls leave.
func (c *Calls) begin(ctx context.Context, s *services, upstream string) (*running, *target, error) {
	r := &running{plugin: s.plugin, version: s.version, upstream: upstream}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	if !c.enter(r) {
		r.cancel(errEnded)
		return nil, nil, errEnded
	}
	t, err := c.await(r)
	if err != nil {
		c.leave(r)
		return nil, nil, err
	}
	return r, t, nil
}

func (c *Calls) enter(r *running) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.root == nil {
		return false
	}
	c.running[r] = struct{}{}
	c.left.Add(1)
	return true
}

func (c *Calls) leave(r *running) {
	c.mu.Lock()
	delete(c.running, r)
	c.mu.Unlock()
	r.cancel(nil)
	c.left.Done()
}

// await finds the target, when the configuration that permits the call is in force.
func (c *Calls) await(r *running) (*target, error) {
	late := time.NewTimer(maxComing)
	defer late.Stop()
	for {
		t, changed, err := c.resolve(r)
		if t != nil || err != nil {
			return t, err
		}
		select {
		case <-changed:
		case <-late.C:
			return nil, errPending
		case <-r.ctx.Done():
			return nil, context.Cause(r.ctx)
		}
	}
}

// resolve is one look. Without a target and an error, another is worth while after changed.
func (c *Calls) resolve(r *running) (t *target, changed <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, pending := c.look(r.plugin, r.version, r.upstream)
	switch {
	case pending:
		return nil, c.changed, nil
	case u == nil:
		return nil, nil, errRevoked
	case u.GetBackendService() == "":
		return nil, nil, errors.New(u.GetFault())
	}
	root := c.root()
	version := root.ServiceByName(u.GetBackendService())
	switch {
	case version == nil:
		return nil, nil, fmt.Errorf("backend service %q does not exist", u.GetBackendService())
	case version.AbortStatus != 0:
		return nil, nil, fmt.Errorf("backend service %q answers %d by itself: nothing is sent to it", version.Name, version.AbortStatus)
	}
	r.service = u.GetBackendService()
	return &target{c.caller, version, c.caller.Service(config.Material{Root: root}, version)}, nil, nil
}

// Services are those of a version of a plugin.
func (c *Calls) Services(plugin, version string) wasm.Services { return &services{c, plugin, version} }

// count adds one to an event of a version.
func (c *Calls) count(s *services, event string) {
	if c.config.Metrics != nil {
		c.config.Metrics.Plugins.Inc(s.plugin, s.version, event)
	}
}
