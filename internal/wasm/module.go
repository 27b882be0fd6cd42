package wasm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Module is a compiled plugin. It is good for any number of plugins with their own configuration, at the same time.
type Module struct {
	options Options
	version Version
	size    int
	// instrumented modules look by themselves whether they are to stop.
	instrumented bool
	runtime      wazero.Runtime
	compiled     wazero.CompiledModule
}

// Load checks and compiles a module. The error says what is wrong with it, and what its author can do.
func Load(ctx context.Context, code []byte, o Options) (m *Module, err error) {
	o = o.withDefaults()
	if o.MaxSize > 0 && len(code) > o.MaxSize {
		return nil, fmt.Errorf("the module has %d bytes, more than the limit of %d", len(code), o.MaxSize)
	}
	if err := checkHeader(code); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("the module cannot be compiled: %v", r)
		}
	}()
	lean, err := withoutCustom(code)
	if err != nil {
		return nil, err
	}
	limited, err := limitTables(lean)
	if err != nil {
		return nil, err
	}
	checked, notUnderstood := instrument(limited)
	if notUnderstood != nil {
		checked = limited // wazero's own checks are slower, but end it as well
	}
	if err := checkWeight(checked); err != nil {
		return nil, err
	}
	m = &Module{options: o, size: len(code), instrumented: notUnderstood == nil}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, runtimeConfig(o).WithCloseOnContextDone(!m.instrumented))
	if err := m.prepare(ctx, checked); err != nil {
		m.Close(ctx)
		return nil, err
	}
	return m, nil
}

func runtimeConfig(o Options) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithMemoryLimitPages(o.pages()).
		WithDebugInfoEnabled(false). // the name section is enough for stacks, and DWARF makes compiling slow
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst)
}

func (m *Module) prepare(ctx context.Context, code []byte) (err error) {
	if m.compiled, err = m.compile(ctx, code); err != nil {
		return compileError(err, m.options)
	}
	if m.version, err = versionOf(m.compiled); err != nil {
		return err
	}
	if err = checkImports(m.compiled); err != nil {
		return err
	}
	if err = checkExports(m.compiled); err != nil {
		return err
	}
	return instantiateHost(ctx, m.runtime, m.compiled)
}

// compile has a deadline, at which only several workers look.
func (m *Module) compile(ctx context.Context, code []byte) (wazero.CompiledModule, error) {
	bounded, cancel := context.WithTimeout(ctx, m.options.CompileTimeout)
	defer cancel()
	return m.runtime.CompileModule(experimental.WithCompilationWorkers(bounded, max(runtime.GOMAXPROCS(0), 2)), code)
}

// compileError says in our words what wazero says in its own.
func compileError(err error, o Options) error {
	text := err.Error()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("compiling the module takes longer than %v", o.CompileTimeout)
	case strings.Contains(text, "pages") && strings.Contains(text, "limit"):
		return fmt.Errorf("the module wants more memory than the limit of %d MiB: %s", o.MemoryLimit>>20, text)
	case strings.Contains(text, "EOF"), strings.Contains(text, "unexpected end"):
		return fmt.Errorf("%w: %s", errCutShort, text)
	}
	return errors.New("the module is not valid: " + text)
}

// Version is the ABI that the module is for.
func (m *Module) Version() Version { return m.version }

// Profile is what its guests may do.
func (m *Module) Profile() Profile { return m.options.Profile }

// Exports reports whether a callback, such as "proxy_on_request_body", is there.
func (m *Module) Exports(name string) bool { return m.compiled.ExportedFunctions()[name] != nil }

// Close ends it with all its instances. What is not closed is collected when nothing refers to it any more.
func (m *Module) Close(ctx context.Context) { _ = m.runtime.Close(ctx) }

// Callbacks are the names of those that the module has, without proxy_on_, in the order of the ABI.
func (m *Module) Callbacks() []string {
	var all []string
	for _, e := range exported {
		if m.Exports(e.name) {
			all = append(all, strings.TrimPrefix(e.name, "proxy_on_"))
		}
	}
	return all
}
