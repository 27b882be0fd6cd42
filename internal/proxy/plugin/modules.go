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

	compiling sync.Mutex // one at a time: it takes every processor

	mu      sync.Mutex
	byKey   map[moduleKey]weak.Pointer[module]
	checked []checked
	refused refusals
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
	return &Modules{source: source, options: o, now: time.Now, byKey: map[moduleKey]weak.Pointer[module]{}, refused: refusals{}}
}

// Check says what proxies would have against a module, and keeps it for them.
func (l *Modules) Check(profile wasm.Profile, digest string, code []byte) error {
	key := moduleKey{digest, profile}
	m, err := l.load(key, func() ([]byte, error) { return code, nil })
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
	m, err := l.load(key, func() ([]byte, error) { return l.source(image, digest) })
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

func (l *Modules) load(key moduleKey, source func() ([]byte, error)) (*module, error) {
	if m, err := l.known(key); m != nil || err != nil {
		return m, err
	}
	l.compiling.Lock()
	defer l.compiling.Unlock()
	if m, err := l.known(key); m != nil || err != nil {
		return m, err
	}
	code, err := source()
	if err != nil {
		return nil, err
	}
	compiled, err := wasm.Load(context.Background(), code, l.optionsOf(key.profile))
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.refused.add(key.String(), err, l.now())
		return nil, err
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

func (l *Modules) optionsOf(profile wasm.Profile) wasm.Options {
	o := l.options
	if o.Profile = profile; o.MaxSize == 0 {
		o.MaxSize = wasm.DefaultMaxSize // what images are fetched up to
	}
	return o
}

// known is a module that is there, or why it is not to be tried yet.
func (l *Modules) known(key moduleKey) (*module, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.byKey[key].Value(); m != nil {
		return m, nil
	}
	return nil, l.refused.known(key.String(), l.now())
}
