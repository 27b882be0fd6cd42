package plugin

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"github.com/spillway-lb/spillway/internal/wasm"
)

// Modules compiles each module once, which takes half a second for one that is made of Go, and keeps it as long as somebody
// refers to it.
type Modules struct {
	source  func(image, digest string) ([]byte, error)
	options wasm.Options

	mu       sync.Mutex
	byDigest map[string]weak.Pointer[module]
}

// module is one that is closed when nothing refers to it.
type module struct{ *wasm.Module }

// NewModules takes the bytes of images, which have been fetched before, from source.
func NewModules(source func(image, digest string) ([]byte, error), o wasm.Options) *Modules {
	return &Modules{source: source, options: o, byDigest: map[string]weak.Pointer[module]{}}
}

func (l *Modules) get(image, digest string) (*module, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.byDigest[digest].Value(); m != nil {
		return m, nil
	}
	code, err := l.source(image, digest)
	if err != nil {
		return nil, err
	}
	compiled, err := wasm.Load(context.Background(), code, l.options)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", image, err)
	}
	m := &module{compiled}
	runtime.AddCleanup(m, func(c *wasm.Module) { c.Close(context.Background()) }, compiled)
	for other, w := range l.byDigest {
		if w.Value() == nil {
			delete(l.byDigest, other)
		}
	}
	l.byDigest[digest] = weak.Make(m)
	return m, nil
}
