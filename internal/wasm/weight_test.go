package wasm

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// times repeats code.
func times(n int, code ...wat.Code) wat.Code { return bytes.Repeat(wat.Cat(code...), n) }

// function is a plugin with one function of such code, after so many locals.
func function(locals int, code ...wat.Code) []byte {
	b := wat.New()
	b.Plugin()
	b.Function("proxy_on_log", "i>", locals, code...)
	return b.Module()
}

var (
	opensBlock, opensLoop, opensIf, closes = wat.Code{0x02, 0x40}, wat.Code{0x03, 0x40}, wat.Code{0x04, 0x40}, wat.Code{0x0b}
	branchIf                               = wat.Cat(wat.Local(0), wat.Code{0x0d, 0x00})
)

// table is a br_table with n targets.
func table(n int, target func(i int) uint64) wat.Code {
	code := wat.Cat(wat.Local(0), wat.Code{0x0e}, wat.Uleb(uint64(n-1)))
	for i := range n {
		code = append(code, wat.Uleb(target(i))...)
	}
	return code
}

// heavy are modules of a size that must be taken, which wazero compiles for minutes to days if it is let.
var heavy = map[string]func(n int) []byte{
	"loops":         func(n int) []byte { return function(0, times(n, wat.Loop())) },
	"blocks":        func(n int) []byte { return function(0, times(n, opensBlock, closes)) },
	"ifs":           func(n int) []byte { return function(0, times(n, wat.Local(0), wat.If())) },
	"nested blocks": func(n int) []byte { return function(0, times(n, opensBlock), times(n, branchIf, closes)) },
	"nested loops":  func(n int) []byte { return function(0, times(n, opensLoop), times(n, branchIf, closes)) },
	"nested ifs":    func(n int) []byte { return function(0, times(n, wat.Local(0), opensIf), times(n, closes)) },
	"branches":      func(n int) []byte { return function(0, times(n, branchIf)) },
	"branches of a loop": func(n int) []byte {
		return function(0, wat.Loop(times(n, branchIf)))
	},
	"targets": func(n int) []byte {
		return function(0, times(n, opensBlock), table(n, func(i int) uint64 { return uint64(i) }), times(n, closes))
	},
	"locals that loops change": func(n int) []byte {
		var code wat.Code
		for i := range n / 10 {
			code = append(code, wat.Loop(wat.Local(i+1), wat.I32(1), wat.Add, wat.SetLocal(i+1), branchIf)...)
		}
		return function(n/10, code)
	},
	"a deep stack across blocks": func(n int) []byte {
		return function(0, times(n, wat.LoadFrom(4)), times(n/10, opensBlock, branchIf, closes), times(n, wat.Drop))
	},
	"bulk memory": func(n int) []byte {
		return function(0, times(n, wat.I32(0), wat.I32(0), wat.I32(1), wat.Code{0xfc, 0x0b, 0x00}))
	},
}

func TestWhatWouldCompileForLongIsRefused(t *testing.T) {
	for name, make := range heavy {
		t.Run(name, func(t *testing.T) {
			refused := make(100_000)
			if len(refused) > DefaultMaxSize {
				t.Fatalf("%d bytes would be refused for that", len(refused))
			}
			_, err := Load(context.Background(), refused, Options{})
			if err == nil || !strings.Contains(err.Error(), "function 2 has") || !strings.Contains(err.Error(), "too long") {
				t.Errorf("%v", err)
			}
			load(t, make(100), Options{})
		})
	}
}

func TestWideTypesAreRefused(t *testing.T) {
	b := wat.New()
	b.Plugin()
	b.Function(".wide", strings.Repeat("i", maxArity+1)+">", 0)
	if _, err := Load(context.Background(), b.Module(), Options{}); err == nil || !strings.Contains(err.Error(), "1001 parameters") {
		t.Error(err)
	}
}

// What is given to every block costs as much as blocks do.
func TestWideBlocksAreRefused(t *testing.T) {
	b := wat.New()
	b.Plugin()
	const wide = 2 // the third type
	b.Function("proxy_on_log", "i>", 0, times(20_000, wat.Code{0x03, wide}, closes))
	b.Function(".wide", strings.Repeat("i", maxArity)+">"+strings.Repeat("i", maxArity), 0, wat.Unreachable)
	if _, err := Load(context.Background(), b.Module(), Options{}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Error(err)
	}
}

func TestManyExportsAreRefused(t *testing.T) {
	b := wat.New()
	b.Plugin()
	for i := range maxExports {
		b.Function("f"+strconv.Itoa(i), ">", 0)
	}
	if _, err := Load(context.Background(), b.Module(), Options{}); err == nil || !strings.Contains(err.Error(), "exports more than 2000 things") {
		t.Error(err)
	}
}

func TestManyTablesAreRefused(t *testing.T) {
	b := wat.New()
	b.Plugin()
	var tables []byte
	for range maxTables + 1 {
		tables = append(tables, 0x70, 0x00, 0x01)
	}
	b.Table = append(wat.Uleb(maxTables+1), tables...)
	if _, err := Load(context.Background(), b.Module(), Options{}); err == nil || !strings.Contains(err.Error(), "9 tables") {
		t.Error(err)
	}
}

// An error becomes a condition, which has a limit.
func TestErrorsAreShort(t *testing.T) {
	b := wat.New()
	for i := range 1000 {
		b.Import("env", "missing"+strconv.Itoa(i), ">")
	}
	_, err := Load(context.Background(), b.Plugin().Module(), Options{})
	if err == nil || !strings.Contains(err.Error(), "and 980 more") {
		t.Error(err)
	}
}

func TestCompilingHasADeadline(t *testing.T) {
	_, err := Load(context.Background(), function(0), Options{CompileTimeout: time.Nanosecond})
	if err == nil || err.Error() != "compiling the module takes longer than 1ns" {
		t.Error(err)
	}
}

// Names of locals are searched for each function, and nobody reads them; those of functions are in stacks.
func TestOnlyNamesOfFunctionsAreKept(t *testing.T) {
	names := func(parts ...byte) wat.Code {
		return append([]byte{0x00, byte(5 + len(parts)), 4, 'n', 'a', 'm', 'e'}, parts...)
	}
	module := "\x00asm\x01\x00\x00\x00"
	functions := []byte{1, 4, 1, 0, 1, 'f'}
	for name, c := range map[string]struct{ section, want wat.Code }{
		"functions and locals": {names(append(functions, 2, 3, 1, 0, 0)...), names(functions...)},
		"cut short":            {names(append(functions, 2, 3, 1)...), names()},
		"another section":      {wat.Code{0x00, 2, 1, 'x'}, nil},
		"no name":              {wat.Code{0x00, 0}, nil},
	} {
		got, err := withoutCustom([]byte(module + string(c.section)))
		if err != nil || string(got) != module+string(c.want) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

// Calls end in time whose every step takes long: what moves memory, and the host's functions.
func TestLongStepsEnd(t *testing.T) {
	const pages = 1024 // 64 MiB
	for name, body := range map[string]func(b *wat.Builder) wat.Code{
		"memory.fill": func(*wat.Builder) wat.Code {
			return wat.Loop(wat.I32(0), wat.I32(0), wat.I32(pages*pageSize), wat.Code{0xfc, 0x0b, 0x00}, wat.Branch(0))
		},
		"proxy_log": func(b *wat.Builder) wat.Code {
			log := b.Import("env", "proxy_log", "iii>i")
			return wat.Loop(wat.I32(5), wat.I32(0), wat.I32(pages*pageSize), wat.Call(log), wat.Drop, wat.Branch(0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := wat.New()
			code := body(b)
			b.Plugin().Pages = pages
			b.Function("proxy_on_request_headers", "iii>i", 0, code, wat.I32(0))
			p, _ := start(t, b.Module(), Options{Profile: Full}, PluginConfig{Timeout: short, Log: func(Record) {}})
			s := stream(t, p, properties{})
			ended := make(chan error, 1)
			go func() {
				_, err := s.RequestHeaders(headersOf(""), true)
				_ = s.Close()
				ended <- err
			}()
			select {
			case err := <-ended:
				var trap *Trap
				if !errors.As(err, &trap) || !trap.Deadline {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Fatal("it runs on")
			}
		})
	}
}

// FuzzLoad has the loader read anything: it ends with a module or with words, and soon.
func FuzzLoad(f *testing.F) {
	for _, make := range heavy {
		f.Add(make(3))
		f.Add(make(200))
	}
	wide := wat.New()
	wide.Plugin()
	wide.Function("proxy_on_log", "i>", 3, wat.Code{0x03, 0x02}, closes, wat.Cat(opensBlock, table(3, func(int) uint64 { return 0 }), closes))
	wide.Function(".wide", "ii>ii", 0, wat.Unreachable)
	f.Add(wide.Module())
	f.Add(wide.Module()[:80])
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) > 1<<16 {
			t.Skip() // the time that is allowed for a function is long for a fuzzer
		}
		m, err := Load(context.Background(), code, Options{MemoryLimit: 1 << 20, CompileTimeout: patience})
		if err == nil {
			m.Close(context.Background())
		} else if strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
	})
}

// FuzzWeigh has functions be anything.
func FuzzWeigh(f *testing.F) {
	f.Add([]byte{0x00, 0x02, 0x40, 0x0b, 0x0b})
	f.Add([]byte{0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x03, 0x01, 0x0e, 0x01, 0x00, 0x00, 0x0b, 0x0b})
	f.Add([]byte{0x00, 0x20, 0x00, 0x04, 0x00, 0x05, 0x0c, 0x00, 0x0b, 0xfc, 0x0b, 0x00, 0xfd, 0x0c})
	f.Add([]byte{0x00, 0x10, 0x00, 0x11, 0x01, 0x00, 0x1b, 0x1a, 0x0b, 0x0b, 0x0b})
	s := &scales{types: []arity{{1, 0}, {3, 2}}, functions: []uint64{0, 1, 7}}
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := s.weigh(s.typeOf(1), body)
		if err == nil && (w.time() < 0 || w.values < 0 || w.blocks < 1) {
			t.Errorf("%+v", w)
		}
	})
}

// TestOnlyFunctionsAreImported: what else is imported would shift which function is which, and so what its code costs.
func TestOnlyFunctionsAreImported(t *testing.T) {
	section := []byte{2, 3, 'e', 'n', 'v', 1, 'm', 2, 0, 1, 3, 'e', 'n', 'v', 1, 'f', 0, 7} // memory env.m, func env.f of type 7
	if got, ok := importedFunctions(section); ok {
		t.Errorf("functions of types %d", got)
	}
	if got, ok := importedFunctions(append([]byte{1}, section[10:]...)); !ok || !slices.Equal(got, []uint64{7}) {
		t.Errorf("functions of types %d, %t", got, ok)
	}
}
