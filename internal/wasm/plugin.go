package wasm

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Record is what a guest logged.
type Record struct {
	Level   Level
	Message string
	// Stream is whose callback logged; nil for the root.
	Stream StreamHost
}

// PluginConfig is what makes a plugin of a module. Only Configuration has to be set, if the module wants one.
type PluginConfig struct {
	// Name is the property plugin_name, RootID plugin_root_id, VMID plugin_vm_id and the key of shared data.
	Name, RootID, VMID string
	VMConfiguration    []byte
	Configuration      []byte
	// Environment are variables of WASI.
	Environment map[string]string
	// Timeout bounds each callback, StartTimeout start and configuration; 0 are the defaults.
	Timeout, StartTimeout time.Duration
	// MemoryBudget bounds the memory of all instances, in bytes; when it is used up, streams share instances.
	MemoryBudget uint64
	// MinLevel drops records below it; see SetMinLevel.
	MinLevel Level
	// Log takes records. It must not block.
	Log func(Record)
	// Crashed is told of each instance that ended. It must not block.
	Crashed func(*Trap)
	// Services makes the guest's calls in the Full profile; without one they find no upstream.
	Services Services
	// Shared are data and queues that plugins have in common; nil makes new ones.
	Shared *Shared
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (c PluginConfig) withDefaults() PluginConfig {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = DefaultStartTimeout
	}
	if c.MemoryBudget == 0 {
		c.MemoryBudget = DefaultMemoryBudget
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Plugin is a module with its configuration, and its instances.
type Plugin struct {
	module  *Module
	config  PluginConfig
	shared  *Shared
	Metrics Metrics

	level atomic.Int32 // the lowest that is logged

	mu        sync.Mutex
	idle      []*instance // last in, first out
	busy      map[*instance]bool
	starting  int
	started   sync.Cond // a start has ended
	waiting   int       // streams that wait for one
	size      uint64    // of an instance's memory when it was measured last
	restarts  restarts
	crash     *Trap // the last one
	closed    bool
	reaper    *time.Timer
	complaint string // the last record that was an error
}

// Plugin starts a first instance and has it take the configuration: one that refuses it, or that crashes, is an error.
func (m *Module) Plugin(config PluginConfig) (*Plugin, error) {
	config = config.withDefaults()
	if limit := m.options.MaxSize; limit > 0 && m.size+len(config.Configuration) > limit {
		return nil, fmt.Errorf("module and configuration have %d bytes, more than the limit of %d", m.size+len(config.Configuration), limit)
	}
	p := &Plugin{module: m, config: config, shared: config.Shared, busy: map[*instance]bool{}}
	if p.shared == nil {
		p.shared = NewShared()
	}
	p.started.L = &p.mu
	p.SetMinLevel(config.MinLevel)
	first, err := newInstance(p)
	if err != nil {
		return nil, err
	}
	p.size = first.memorySize()
	p.idle = append(p.idle, first)
	return p, nil
}

// SetMinLevel drops records below l from now on.
func (p *Plugin) SetMinLevel(l Level) { p.level.Store(int32(l)) }

// startTimes is how many times as long as a callback start and configuration may take.
func (p *Plugin) startTimes() int32 {
	return int32(min(max((p.config.StartTimeout+p.config.Timeout-1)/p.config.Timeout, 1), 1<<20))
}

// Stream begins a stream. Who gets one must call Close.
func (p *Plugin) Stream(host StreamHost) (*Stream, error) {
	in, err := p.take()
	if err != nil {
		return nil, err
	}
	s := &Stream{in: in, host: host}
	if err := s.begin(); err != nil {
		p.release(in)
		return nil, err
	}
	return s, nil
}

// take finds an instance: an idle one, a new one while the budget lasts, or the one with the fewest streams. While there is none
// but some are being started, it waits for them: starts have a limit.
func (p *Plugin) take() (*instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if n := len(p.idle); n > 0 {
			in := p.idle[n-1]
			p.idle = p.idle[:n-1]
			p.use(in)
			return in, nil
		}
		if p.mayGrow() {
			return p.grow()
		}
		if len(p.busy) > 0 || p.starting == 0 {
			return p.share()
		}
		p.waiting++
		p.started.Wait()
		p.waiting--
	}
}

// mayGrow reports whether one more instance may start. The caller holds mu.
func (p *Plugin) mayGrow() bool {
	n := len(p.busy) + p.starting
	return p.restarts.allowed(p.config.Now()) && (n == 0 || uint64(n+1)*max(p.size, pageSize) <= p.config.MemoryBudget)
}

// grow starts an instance. The caller holds mu, which is free meanwhile.
func (p *Plugin) grow() (in *instance, err error) {
	p.starting++
	func() {
		p.mu.Unlock()
		defer p.mu.Lock()
		in, err = newInstance(p)
	}()
	p.starting--
	p.started.Broadcast()
	if err != nil {
		return nil, err
	}
	p.use(in)
	return in, nil
}

func (p *Plugin) use(in *instance) {
	in.streams++
	p.busy[in] = true
}

// share gives the instance with the fewest streams.
func (p *Plugin) share() (*instance, error) {
	var least *instance
	for in := range p.busy {
		if least == nil || in.streams < least.streams {
			least = in
		}
	}
	switch {
	case least == nil && p.crash != nil:
		return nil, fmt.Errorf("%w; the last time: %w", ErrThrottled, p.crash)
	case least == nil:
		return nil, ErrThrottled
	}
	p.use(least)
	return least, nil
}

// release gives an instance back.
func (p *Plugin) release(in *instance) {
	in.mu.Lock()
	broken, size := in.broken != nil, uint64(0)
	if in.memory != nil && !in.closed {
		size = uint64(in.memory.Size())
	}
	in.mu.Unlock()
	p.mu.Lock()
	in.streams--
	last := in.streams == 0
	if last {
		delete(p.busy, in)
		if keep := !broken && !p.closed; keep {
			p.size = max(size, p.size/2)
			in.idle = p.config.Now()
			p.idle = append(p.idle, in)
			p.reapLater()
			last = false
		}
	}
	p.mu.Unlock()
	if last {
		in.shutdown()
	}
}

// idleFor is how long an instance that nobody needs is kept.
const idleFor = 30 * time.Second

// reapLater sees to it that instances of a rush do not stay. The caller holds mu.
func (p *Plugin) reapLater() {
	if len(p.idle) <= runtime.GOMAXPROCS(0) || p.reaper != nil {
		return
	}
	p.reaper = time.AfterFunc(idleFor, func() {
		for _, in := range p.reap(p.config.Now()) {
			in.shutdown()
		}
	})
}

// reap takes out the instances that have been idle for long; one for each processor stays.
func (p *Plugin) reap(now time.Time) []*instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	n := 0
	for n < len(p.idle)-runtime.GOMAXPROCS(0) && now.Sub(p.idle[n].idle) >= idleFor {
		n++
	}
	old := append([]*instance(nil), p.idle[:n]...)
	p.idle = append(p.idle[:0], p.idle[n:]...)
	p.reapLater()
	return old
}

func (p *Plugin) instanceCrashed(in *instance, t *Trap) {
	p.mu.Lock()
	p.restarts.crashed(p.config.Now())
	p.crash = t
	delete(p.busy, in)             // those that have it end it; nobody else gets it
	for i, other := range p.idle { // it crashed on a tick
		if other == in {
			p.idle = append(p.idle[:i:i], p.idle[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	if p.config.Crashed != nil {
		p.config.Crashed(t)
	}
}

// Close ends the instances that nobody uses now, and the others when their streams end. Streams that begin afterwards, of
// exchanges that still hold on to the plugin, are served.
func (p *Plugin) Close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	if p.reaper != nil {
		p.reaper.Stop()
	}
	p.mu.Unlock()
	for _, in := range idle {
		in.shutdown()
	}
}

// Stats are of one moment.
type Stats struct {
	// Instances that run, Idle of them without a stream, and the guest memory of one, in bytes.
	Instances, Idle int
	Memory          uint64
}

// Stats counts instances.
func (p *Plugin) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Instances: len(p.idle) + len(p.busy), Idle: len(p.idle), Memory: p.size}
}

// log hands a record out, with Google's limits in the GCP profile. The caller holds the instance's mu.
func (in *instance) log(l Level, message string) {
	p := in.plugin
	if silent := p.config.Log == nil || int32(l) < p.level.Load(); silent && l < Error {
		return
	}
	if p.module.options.Profile == GCP {
		if in.logRecords++; in.logRecords > maxLogRecords || in.logBytes >= maxLogBytes {
			return
		}
		message = message[:min(len(message), maxLogBytes-in.logBytes)]
		in.logBytes += len(message)
	}
	if l >= Error {
		p.mu.Lock()
		p.complaint = message
		p.mu.Unlock()
	}
	if p.config.Log == nil || int32(l) < p.level.Load() {
		return
	}
	r := Record{Level: l, Message: strings.ToValidUTF8(message, "\uFFFD")}
	if s := in.acting().stream; s != nil {
		r.Stream = s.host
	}
	p.config.Log(r)
}

// lastWords are what the guest said last about an error.
func (p *Plugin) lastWords() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.complaint == "" {
		return ""
	}
	return ": " + p.complaint
}

// acting is whom host functions act for.
func (in *instance) acting() *guestContext {
	switch {
	case in.effective != nil:
		return in.effective
	case in.current != nil:
		return in.current
	}
	return in.root
}
