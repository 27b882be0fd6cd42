package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// instance is one virtual machine with its memory. It is the context of its calls, too: ctx.Value costs nothing then, and
// the deadline is a channel that the watchdog closes.
type instance struct {
	plugin *Plugin
	// mu is held while the guest runs. What the guest's callbacks and host functions touch is guarded by it.
	mu     sync.Mutex
	module api.Module
	memory api.Memory
	alloc  api.Function
	calls  [callbacks]api.Function
	watch  *watchdog

	done    chan struct{}     // closed by the watchdog
	stop    api.MutableGlobal // of an instrumented module
	expired atomic.Bool

	root     *guestContext
	contexts map[uint32]*guestContext
	lastID   uint32
	// current is whose callback runs, effective whom host functions act for.
	current, effective *guestContext
	callback           callback
	starting           bool
	startTimes         int32 // how many times as long as a callback what is left of the start may take
	allocating         bool
	broken             *Trap // why the guest must not be entered any more
	deferred           []func()
	dispatching        bool

	logBytes, logRecords int
	spent                int // bytes that the guest has set in the callback
	stack, allocStack    [8]uint64

	tick *time.Timer
	calling
	closed bool

	// streams is the number of those that use the instance; guarded by the plugin.
	streams int
	idle    time.Time
}

// Deadline implements context.Context, as the others do.
func (in *instance) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when a call took too long.
func (in *instance) Done() <-chan struct{} { return in.done }

func (in *instance) Err() error {
	if in.expired.Load() {
		return context.DeadlineExceeded
	}
	return nil
}

// Value is nil for every key.
func (in *instance) Value(any) any { return nil }

// guestContext is what the guest knows by an id: the root, or a stream.
type guestContext struct {
	id     uint32
	stream *Stream // nil for the root
	// created is the time that a frozen clock shows.
	created time.Time
	// finishing says that proxy_on_done wants to finish later, which proxy_done ends.
	finishing bool
}

// newInstance starts a guest and has it take its configuration.
func newInstance(p *Plugin) (*instance, error) {
	in := &instance{plugin: p, done: make(chan struct{}), contexts: map[uint32]*guestContext{}}
	in.watch = newWatchdog(p.config.Timeout, in.expire)
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.start(); err != nil {
		in.discard()
		return nil, err
	}
	return in, nil
}

// expire has the call under way end: by the module's own checks, or by wazero's.
func (in *instance) expire() {
	in.expired.Store(true)
	if in.stop != nil {
		in.stop.Set(1)
	}
	close(in.done)
}

// start is section 12.4 of the ABI: link, start, then the root context.
func (in *instance) start() error {
	p := in.plugin
	in.root = &guestContext{created: p.config.Now()}
	in.current = in.root
	in.starting = true
	in.startTimes = p.startTimes()
	in.watch.begin(in.startTimes)
	module, err := p.module.runtime.InstantiateModule(in, p.module.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if late := in.endStart(); late && err == nil {
		in.module, err = module, context.DeadlineExceeded // who expires it may be reading stop
	}
	if err != nil {
		return in.fail("instantiation", err)
	}
	in.module, in.memory = module, module.Memory()
	if in.plugin.module.instrumented {
		in.stop = module.ExportedGlobal(stopExport).(api.MutableGlobal)
	}
	if in.memory == nil {
		return errors.New("the module has no memory")
	}
	if err := in.initialize(); err != nil {
		return err
	}
	in.starting = false
	in.link()
	return in.configure()
}

func (in *instance) link() {
	for _, name := range allocators {
		if in.alloc = in.module.ExportedFunction(name); in.alloc != nil {
			break
		}
	}
	for i, e := range exported {
		in.calls[i] = in.module.ExportedFunction(e.name)
	}
}

// initialize runs what the module has for its start: a reactor's, then main if there is one; or else a command's.
func (in *instance) initialize() error {
	if f := in.module.ExportedFunction("_initialize"); f != nil {
		if err := in.plainCall("_initialize", f, nil); err != nil {
			return err
		}
		if f := in.module.ExportedFunction("main"); f != nil && signature(f.Definition()) == "ii>i" {
			return in.plainCall("main", f, []uint64{0, 0})
		}
		if f := in.module.ExportedFunction("__main_void"); f != nil && signature(f.Definition()) == ">i" {
			return in.plainCall("__main_void", f, []uint64{0})
		}
		return nil
	}
	if f := in.module.ExportedFunction("_start"); f != nil {
		return in.plainCall("_start", f, nil)
	}
	return nil
}

func (in *instance) plainCall(name string, f api.Function, stack []uint64) error {
	in.watch.begin(in.startTimes)
	err := f.CallWithStack(in, stack)
	if late := in.endStart(); late && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return in.fail(name, err)
	}
	return nil
}

// endStart ends the time of a call, and leaves to the calls of a start what it has not used. late: its time was up.
func (in *instance) endStart() (late bool) {
	left := in.watch.end()
	in.startTimes = max(left/watchSteps, 1)
	return left == 0
}

func (in *instance) configure() error {
	config := &in.plugin.config
	in.root = in.newContext(nil)
	if _, err := in.enter(onContextCreate, in.root, in.startTimes, uint64(in.root.id), 0); err != nil {
		return err
	}
	for _, step := range []struct {
		callback callback
		size     int
	}{{onVMStart, len(config.VMConfiguration)}, {onConfigure, len(config.Configuration)}} {
		if in.calls[step.callback] == nil {
			continue
		}
		accepted, err := in.enter(step.callback, in.root, in.startTimes, uint64(in.root.id), uint64(step.size))
		if err != nil {
			return err
		}
		if uint32(accepted) == 0 {
			return fmt.Errorf("the plugin refused its configuration: %s returned false%s", exported[step.callback].name, in.plugin.lastWords())
		}
	}
	return nil
}

func (in *instance) newContext(s *Stream) *guestContext {
	in.lastID++
	if in.lastID == 0 { // wrapped: 0 is no context, 1 is the root
		in.lastID = 2
	}
	for in.contexts[in.lastID] != nil {
		in.lastID++
	}
	c := &guestContext{id: in.lastID, stream: s, created: in.plugin.config.Now()}
	in.contexts[c.id] = c
	return c
}

// invoke calls a callback for a context; without such an export it does nothing.
func (in *instance) invoke(cb callback, c *guestContext, args ...uint64) (uint64, error) {
	return in.enter(cb, c, 1, args...)
}

// enter calls a callback that may take so many times as long as the limit. The caller holds mu.
func (in *instance) enter(cb callback, c *guestContext, times int32, args ...uint64) (uint64, error) {
	f := in.calls[cb]
	if in.broken != nil {
		return 0, in.lost()
	}
	if f == nil {
		return 0, nil
	}
	in.current, in.effective, in.callback = c, nil, cb
	in.logBytes, in.logRecords, in.spent = 0, 0, 0
	n := copy(in.stack[:], args)
	in.watch.begin(times)
	err := f.CallWithStack(in, in.stack[:max(n, 1)])
	if late := in.endStart() || in.expired.Load(); late && err == nil {
		err = context.DeadlineExceeded // the sign to stop is set: the next call would end at once, and be another request's
	}
	if err != nil {
		return 0, in.fail(exported[cb].name, err)
	}
	result := in.stack[0]
	in.current, in.effective = nil, nil
	in.dispatch()
	return result, nil
}

// dispatch runs what calls from the guest have put off until it has returned.
func (in *instance) dispatch() {
	if in.dispatching {
		return
	}
	in.dispatching = true
	for len(in.deferred) > 0 {
		next := in.deferred[0]
		in.deferred = in.deferred[1:]
		next()
	}
	in.dispatching = false
}

// later runs f when the outermost call has returned.
func (in *instance) later(f func()) { in.deferred = append(in.deferred, f) }

// fail ends the instance: its guest is never entered again.
func (in *instance) fail(where string, err error) error {
	trap := newTrap(where, err, in.limit(where).String())
	if in.memory != nil && uint64(in.memory.Size()) >= in.plugin.module.options.MemoryLimit {
		trap.Reason += fmt.Sprintf("; its memory is at the limit of %d MiB", in.plugin.module.options.MemoryLimit>>20)
	}
	if in.expired.Load() && !trap.Deadline {
		trap = &Trap{Callback: where, Deadline: true, Stack: trap.Stack, Reason: "the call took longer than " + in.limit(where).String()}
	}
	if in.broken == nil {
		in.broken = trap
		in.deferred = nil
		in.plugin.instanceCrashed(in, trap)
		for _, c := range in.contexts {
			if c.stream != nil {
				c.stream.signal()
			}
		}
	}
	return trap
}

// limit is how long a call may take.
func (in *instance) limit(where string) time.Duration {
	switch where {
	case exported[onVMStart].name, exported[onConfigure].name:
		return in.plugin.config.StartTimeout
	}
	if in.starting {
		return in.plugin.config.StartTimeout
	}
	return in.plugin.config.Timeout
}

// lost is what other streams of a broken instance get.
func (in *instance) lost() error { return fmt.Errorf("%w: %w", ErrLost, in.broken) }

// discard frees what the instance holds. The caller holds mu.
func (in *instance) discard() {
	if in.closed {
		return
	}
	in.closed = true
	if in.broken == nil {
		in.broken = &Trap{Callback: "shutdown", Reason: "the instance was closed"}
	}
	in.cancelCalls()
	if in.tick != nil {
		in.tick.Stop()
	}
	in.plugin.shared.forget(in)
	if in.module != nil {
		_ = in.module.Close(context.Background())
	}
}

// shutdown tells the guest, and discards.
func (in *instance) shutdown() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closed && in.broken == nil {
		if finished, err := in.invoke(onDone, in.root, uint64(in.root.id)); err == nil && (uint32(finished) != 0 || in.calls[onDone] == nil) {
			_, _ = in.invoke(onDelete, in.root, uint64(in.root.id))
		}
	}
	in.discard()
}

// memorySize is what the guest's memory takes, in bytes.
func (in *instance) memorySize() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.memory == nil || in.closed {
		return 0
	}
	return uint64(in.memory.Size())
}
