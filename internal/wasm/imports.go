package wasm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// hostFunction is one that guests import.
type hostFunction struct {
	// signature is as in exported.
	signature string
	// early says that it may be called while the module starts.
	early bool
	call  func(in *instance, a arguments) uint32
}

// arguments are those of one call. The upper half of an i32 may hold anything.
type arguments []uint64

func (a arguments) u32(i int) uint32 { return uint32(a[i]) }

const (
	moduleEnv         = "env"
	modulePreview1    = "wasi_snapshot_preview1"
	moduleOldPreview1 = "wasi_unstable"
)

// hostModules are all functions that are offered, by module.
func hostModules() map[string]map[string]hostFunction {
	return map[string]map[string]hostFunction{moduleEnv: envFunctions, modulePreview1: wasiFunctions, moduleOldPreview1: wasiFunctions}
}

// instantiateHost makes the functions importable.
func instantiateHost(ctx context.Context, runtime wazero.Runtime, compiled wazero.CompiledModule) error {
	used := map[string]bool{}
	for _, f := range compiled.ImportedFunctions() {
		module, _, _ := f.Import()
		used[module] = true
	}
	for module, functions := range hostModules() {
		if !used[module] {
			continue
		}
		b := runtime.NewHostModuleBuilder(module)
		for name, f := range functions {
			parameters, results, _ := strings.Cut(f.signature, ">")
			b.NewFunctionBuilder().WithGoModuleFunction(f.entry(name), valueTypes(parameters), valueTypes(results)).WithName(name).Export(name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			return err
		}
	}
	return nil
}

// entry is what wazero calls. The context of a call is the instance.
func (f hostFunction) entry(name string) api.GoModuleFunc {
	returns := !strings.HasSuffix(f.signature, ">")
	return func(ctx context.Context, module api.Module, stack []uint64) {
		in := ctx.(*instance)
		if in.memory == nil {
			in.memory = module.Memory() // a start function runs before the module is there
		}
		if in.starting && !f.early {
			panic(refused{name + " must not be called before the module has started"})
		}
		result := f.call(in, stack)
		if in.expired.Load() {
			panic(refused{name + " ended after the call's time was up"}) // a loop of long host calls looks rarely itself
		}
		if returns {
			stack[0] = uint64(result)
		}
	}
}

// checkImports wants every import to be one that is offered, and names all that are not.
func checkImports(compiled wazero.CompiledModule) error {
	var missing, wrong []string
	offered := hostModules()
	for _, f := range compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		known, found := offered[module][name]
		switch {
		case !found:
			missing = append(missing, module+"."+name+inWords(signature(f)))
		case known.signature != signature(f):
			wrong = append(wrong, fmt.Sprintf("%s.%s is %s, must be %s", module, name, inWords(signature(f)), inWords(known.signature)))
		}
	}
	for _, m := range compiled.ImportedMemories() {
		module, name, _ := m.Import()
		missing = append(missing, "memory "+module+"."+name)
	}
	slices.Sort(missing)
	switch {
	case len(missing) > 0:
		return errors.New("missing import: the host has no " + some(slices.Compact(missing), ", "))
	case len(wrong) > 0:
		return errors.New("import of another type: " + some(wrong, "; "))
	}
	return nil
}

// maxNamed bounds how many of a list an error names: it becomes a condition's message.
const maxNamed = 20

func some(list []string, separator string) string {
	if more := len(list) - maxNamed; more > 0 {
		return strings.Join(list[:maxNamed], separator) + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(list, separator)
}
