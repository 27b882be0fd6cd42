package wasm

import (
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// callback is an export that the host calls.
type callback uint8

const (
	onContextCreate callback = iota
	onVMStart
	onConfigure
	onTick
	onRequestHeaders
	onRequestBody
	onRequestTrailers
	onResponseHeaders
	onResponseBody
	onResponseTrailers
	onHTTPCallResponse
	onGRPCInitialMetadata
	onGRPCReceive
	onGRPCTrailingMetadata
	onGRPCClose
	onQueueReady
	onForeignFunction
	onDone
	onLog
	onDelete
	callbacks
)

// exported has name, parameters and results of each callback; "i" is i32, "l" is i64. Those that the ABI changed have two.
var exported = [callbacks]struct {
	name       string
	signatures []string
}{
	onContextCreate:        {"proxy_on_context_create", []string{"ii>"}},
	onVMStart:              {"proxy_on_vm_start", []string{"ii>i"}},
	onConfigure:            {"proxy_on_configure", []string{"ii>i"}},
	onTick:                 {"proxy_on_tick", []string{"i>"}},
	onRequestHeaders:       {"proxy_on_request_headers", []string{"iii>i", "ii>i"}},
	onRequestBody:          {"proxy_on_request_body", []string{"iii>i"}},
	onRequestTrailers:      {"proxy_on_request_trailers", []string{"ii>i"}},
	onResponseHeaders:      {"proxy_on_response_headers", []string{"iii>i", "ii>i"}},
	onResponseBody:         {"proxy_on_response_body", []string{"iii>i"}},
	onResponseTrailers:     {"proxy_on_response_trailers", []string{"ii>i"}},
	onHTTPCallResponse:     {"proxy_on_http_call_response", []string{"iiiii>"}},
	onGRPCInitialMetadata:  {"proxy_on_grpc_receive_initial_metadata", []string{"iii>"}},
	onGRPCReceive:          {"proxy_on_grpc_receive", []string{"iii>"}},
	onGRPCTrailingMetadata: {"proxy_on_grpc_receive_trailing_metadata", []string{"iii>"}},
	onGRPCClose:            {"proxy_on_grpc_close", []string{"iii>"}},
	onQueueReady:           {"proxy_on_queue_ready", []string{"ii>"}},
	onForeignFunction:      {"proxy_on_foreign_function", []string{"iii>"}},
	onDone:                 {"proxy_on_done", []string{"i>i"}},
	onLog:                  {"proxy_on_log", []string{"i>"}},
	onDelete:               {"proxy_on_delete", []string{"i>"}},
}

// allocators are the exports by which the host gets guest memory, the preferred one first.
var allocators = []string{"proxy_on_memory_allocate", "malloc"}

// versionOf finds the marker of the ABI.
func versionOf(compiled wazero.CompiledModule) (Version, error) {
	exports := compiled.ExportedFunctions()
	for _, m := range markers {
		if exports[m.name] != nil {
			return m.version, nil
		}
	}
	for name := range exports {
		if v, found := strings.CutPrefix(name, "proxy_abi_version_"); found {
			return 0, fmt.Errorf("ABI %s is not known: this host has 0.1.0, 0.2.0 and 0.2.1", strings.ReplaceAll(v, "_", "."))
		}
	}
	return 0, fmt.Errorf("the module exports no proxy_abi_version_0_1_0, _0_2_0 or _0_2_1: it is no proxy-wasm plugin")
}

// checkExports looks at what the host calls.
func checkExports(compiled wazero.CompiledModule) error {
	exports := compiled.ExportedFunctions()
	if exports[allocators[0]] == nil && exports[allocators[1]] == nil {
		return fmt.Errorf("the module exports neither %s nor %s: the host could give it no bytes", allocators[0], allocators[1])
	}
	for _, name := range allocators {
		if f := exports[name]; f != nil && signature(f) != "i>i" {
			return fmt.Errorf("export %s is %s, must be (i32) -> i32", name, inWords(signature(f)))
		}
	}
	for _, e := range exported {
		if f := exports[e.name]; f != nil && !contains(e.signatures, signature(f)) {
			return fmt.Errorf("export %s is %s, must be %s", e.name, inWords(signature(f)), inWords(e.signatures[0]))
		}
	}
	for _, name := range []string{"_initialize", "_start"} {
		if f := exports[name]; f != nil && signature(f) != ">" {
			return fmt.Errorf("export %s is %s, must be ()", name, inWords(signature(f)))
		}
	}
	return nil
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

var typeLetters = map[api.ValueType]byte{
	api.ValueTypeI32: 'i', api.ValueTypeI64: 'l', api.ValueTypeF32: 'f', api.ValueTypeF64: 'd', api.ValueTypeExternref: 'e',
}

// signature writes a function's types as "iil>i".
func signature(f api.FunctionDefinition) string {
	var b strings.Builder
	write := func(types []api.ValueType) {
		for _, t := range types {
			letter, known := typeLetters[t]
			if !known {
				letter = '?'
			}
			b.WriteByte(letter)
		}
	}
	write(f.ParamTypes())
	b.WriteByte('>')
	write(f.ResultTypes())
	return b.String()
}

var typeNames = map[rune]string{'i': "i32", 'l': "i64", 'f': "f32", 'd': "f64", 'e': "externref", '?': "another type"}

// inWords writes a signature as "(i32, i32) -> i32".
func inWords(signature string) string {
	parameters, results, _ := strings.Cut(signature, ">")
	text := "(" + typeList(parameters) + ")"
	if results != "" {
		text += " -> " + typeList(results)
	}
	return text
}

func typeList(letters string) string {
	var names []string
	for _, l := range letters {
		names = append(names, typeNames[l])
	}
	return strings.Join(names, ", ")
}

func valueTypes(letters string) []api.ValueType {
	types := make([]api.ValueType, len(letters))
	for i, l := range letters {
		types[i] = api.ValueTypeI32
		if l == 'l' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}
