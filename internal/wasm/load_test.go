package wasm

import (
	"context"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

func TestWhatCannotBeLoadedSaysWhy(t *testing.T) {
	minimal := func() *wat.Builder { return wat.New().Plugin() }
	for name, c := range map[string]struct {
		code    []byte
		options Options
		want    string
	}{
		"nothing":     {nil, Options{}, "the file is empty"},
		"text":        {[]byte("hello, world"), Options{}, `it begins with "hello, w"`},
		"gzip":        {[]byte("\x1f\x8b\x08"), Options{}, "gzip"},
		"a program":   {[]byte("\x7fELF\x02\x01\x01\x00"), Options{}, "program for Linux"},
		"wat":         {[]byte("(module)"), Options{}, "wat2wasm"},
		"a component": {[]byte("\x00asm\x0d\x00\x01\x00"), Options{}, "component"},
		"cut short":   {minimal().Module()[:60], Options{}, "cut short or damaged"},
		"too large":   {minimal().Module(), Options{MaxSize: 20}, "more than the limit of 20"},
		"no marker": {func() []byte {
			b := wat.New()
			b.Function("malloc", "i>i", 0, wat.I32(8))
			return b.Module()
		}(), Options{}, "proxy_abi_version_0_1_0"},
		"another ABI": {func() []byte {
			b := wat.New()
			b.Function("proxy_abi_version_0_3_0", ">", 0)
			return b.Module()
		}(), Options{}, "ABI 0.3.0 is not known"},
		"no allocator": {func() []byte {
			b := wat.New()
			b.Function("proxy_abi_version_0_2_0", ">", 0)
			return b.Module()
		}(), Options{}, "neither proxy_on_memory_allocate nor malloc"},
		"imports that are missing": {func() []byte {
			b := wat.New()
			b.Import("env", "proxy_teleport", "il>i")
			b.Import("wasi_snapshot_preview2", "x", ">")
			return b.Plugin().Module()
		}(), Options{}, "missing import: the host has no env.proxy_teleport(i32, i64) -> i32, wasi_snapshot_preview2.x()"},
		"imports of another type": {func() []byte {
			b := wat.New()
			b.Import("env", "proxy_log", "ii>i")
			return b.Plugin().Module()
		}(), Options{}, "env.proxy_log is (i32, i32) -> i32, must be (i32, i32, i32) -> i32"},
		"a callback of another type": {func() []byte {
			b := minimal()
			b.Function("proxy_on_request_body", "i>i", 0, wat.I32(0))
			return b.Module()
		}(), Options{}, "export proxy_on_request_body is (i32) -> i32, must be (i32, i32, i32) -> i32"},
		"too much memory": {func() []byte {
			b := minimal()
			b.Pages = 257
			return b.Module()
		}(), Options{}, "more memory than the limit of 16 MiB"},
		"a vast table": {func() []byte {
			b := minimal()
			b.Table = wat.Table(1 << 26)
			return b.Module()
		}(), Options{}, "a table of 67108864 entries"},
		"invalid code": {func() []byte {
			b := minimal()
			b.Function("proxy_on_log", "i>", 0, wat.I32(0))
			return b.Module()
		}(), Options{}, "not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Load(context.Background(), c.code, c.options)
			if err == nil {
				m.Close(context.Background())
				t.Fatal("loaded")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not say %q", err, c.want)
			}
		})
	}
}

func TestTheNewestMarkerCounts(t *testing.T) {
	for _, c := range []struct {
		markers []string
		want    Version
	}{
		{[]string{"0_1_0"}, ABI010},
		{[]string{"0_2_0"}, ABI020},
		{[]string{"0_1_0", "0_2_1", "0_2_0"}, ABI021},
	} {
		b := wat.New()
		b.Function("malloc", "i>i", 0, wat.I32(64))
		for _, m := range c.markers {
			b.Function("proxy_abi_version_"+m, ">", 0)
		}
		if got := load(t, b.Module(), Options{}).Version(); got != c.want {
			t.Errorf("%v: %v, want %v", c.markers, got, c.want)
		}
	}
}

// Every function that the host offers links, with each name of WASI's module.
func TestEveryFunctionLinks(t *testing.T) {
	b := wat.New()
	for module, functions := range hostModules() {
		for f, h := range functions {
			b.Import(module, f, h.signature)
		}
	}
	start(t, b.Plugin().Module(), Options{}, PluginConfig{})
}

// A table may still grow, but not for ever.
func TestTablesAreLimited(t *testing.T) {
	grow := func(n int32) wat.Code { return wat.Cat(wat.Code{0xd0, 0x70}, wat.I32(n), wat.Code{0xfc, 0x0f, 0x00}) } // ref.null func, n, table.grow 0
	b := wat.New()
	b.Plugin()
	b.Table = wat.Table(1)
	b.Function("proxy_on_vm_start", "ii>i", 0, grow(10), wat.I32(1), wat.Code{0x46}, grow(maxTable), wat.I32(-1), wat.Code{0x46}, wat.Code{0x71}) // 1 and -1 come back
	start(t, b.Module(), Options{}, PluginConfig{})
}
