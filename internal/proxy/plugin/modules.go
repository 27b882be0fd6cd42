package plugin

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/spillway-lb/spillway/internal/wasm"
)

// Modules compiles each module once, which takes half a second for one that is made of Go, and keeps it as long as somebody
// refers to it. A process has one, for all its proxies and for whoever checks modules before proxies are told of them.
type Modules struct {
	source  func(image, digest string) ([]byte, error)
	options wasm.Options
	now     func() time.Time

	// checking has room for one: it takes every processor. Proxies, whose requests wait, do not queue behind it.
	checking chan struct{}
	// closing ends with Close.
	closing context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex
	byKey    map[moduleKey]weak.Pointer[module]
	building map[moduleKey]chan struct{} // closed when it is over
	checked  []checked
	refused  refusals
}

// checked is a module that was compiled before a proxy needs it.
type checked struct {
	moduleKey
	*module
}

// moduleKey names a module as it was compiled: profiles have limits of their own.
type moduleKey struct {
	digest  string
	profile wasm.Profile
}

func (k moduleKey) String() string { return k.profile.String() + " " + k.digest }

// maxChecked bounds how many are kept for proxies that have not asked yet; a module that is made of Go is 20 MB.
const maxChecked = 8

// module is one that is closed when nothing refers to it.
type module struct{ *wasm.Module }

// NewModules takes the bytes of images, which have been fetched before, from source. The profile is the version's.
func NewModules(source func(image, digest string) ([]byte, error), o wasm.Options) *Modules {
	l := &Modules{
		source: source, options: o, now: time.Now, checking: make(chan struct{}, 1),
		byKey: map[moduleKey]weak.Pointer[module]{}, building: map[moduleKey]chan struct{}{}, refused: refusals{},
	}
	l.closing, l.cancel = context.WithCancel(context.Background())
	return l
}

// Close ends what is being compiled: the process ends. What is compiled stays good.
func (l *Modules) Close() { l.cancel() }

// Check says what proxies would have against a module, and keeps it for them. It gives up when the context ends, which says
// nothing about the module.
func (l *Modules) Check(ctx context.Context, profile wasm.Profile, digest string, code []byte) error {
	select {
	case l.checking <- struct{}{}:
		defer func() { <-l.checking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	key := moduleKey{digest, profile}
	m, err := l.load(ctx, key, func() ([]byte, error) { return code, nil })
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(key)
	l.checked = append(l.checked, checked{key, m})
	if len(l.checked) > maxChecked {
		l.checked = l.checked[1:]
	}
	return nil
}

// get gives a module to a proxy, which refers to it from now on.
func (l *Modules) get(profile wasm.Profile, image, digest string) (*module, error) {
	key := moduleKey{digest, profile}
	m, err := l.load(l.closing, key, func() ([]byte, error) { return l.source(image, digest) })
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", image, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(key)
	return m, nil
}

// drop forgets that a module is kept. The caller holds mu.
func (l *Modules) drop(key moduleKey) {
	for i, c := range l.checked {
		if c.moduleKey == key {
			l.checked = append(l.checked[:i:i], l.checked[i+1:]...)
			return
		}
	}
}

// load finds a module, or makes it; who comes while it is being made waits for that.
func (l *Modules) load(ctx context.Context, key moduleKey, source func() ([]byte, error)) (*module, error) {
	for {
		m, others, err := l.begin(key)
		if m != nil || err != nil {
			return m, err
		}
		if others == nil {
			return l.build(ctx, key, source)
		}
		select {
		case <-others:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// begin is a module that is there, or why it is not to be tried yet, or the end of somebody else's building. With nothing of that
// the caller has to build it.
func (l *Modules) begin(key moduleKey) (m *module, others chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.byKey[key].Value(); m != nil {
		return m, nil, nil
	}
	if err := l.refused.known(key.String(), l.now()); err != nil {
		return nil, nil, err
	}
	if others = l.building[key]; others == nil {
		l.building[key] = make(chan struct{})
	}
	return nil, others, nil
}

func (l *Modules) build(ctx context.Context, key moduleKey, source func() ([]byte, error)) (*module, error) {
	defer l.built(key)
	code, err := source()
	if err != nil {
		return nil, err
	}
	compiled, err := wasm.Load(ctx, code, l.optionsOf(key.profile))
	if ctx.Err() != nil && err != nil {
		return nil, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		return nil, l.refused.add(key.String(), err, l.now())
	}
	m := &module{compiled}
	runtime.AddCleanup(m, func(c *wasm.Module) { c.Close(context.Background()) }, compiled)
	for other, w := range l.byKey {
		if w.Value() == nil {
			delete(l.byKey, other)
		}
	}
	l.refused.forget(key.String())
	l.byKey[key] = weak.Make(m)
	return m, nil
}

// built lets those go on who wait for a module.
func (l *Modules) built(key moduleKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.building[key])
	delete(l.building, key)
}

func (l *Modules) optionsOf(profile wasm.Profile) wasm.Options {
	o := l.options
	if o.Profile = profile; o.MaxSize == 0 {
		o.MaxSize = wasm.DefaultMaxSize // what images are fetched up to
	}
	return o
}
