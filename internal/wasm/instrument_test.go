package wasm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// What would run for ever without a loop ends, too.
func TestRecursionEnds(t *testing.T) {
	b := wat.New()
	b.Plugin()
	// f(n) calls f(n-1) twice: 2^60 calls.
	const self = 2
	less := wat.Cat(wat.Local(0), wat.I32(-1), wat.Add, wat.Call(self))
	b.Function(".f", "i>", 0, wat.Local(0), wat.If(less, less))
	b.Function("proxy_on_request_headers", "iii>i", 0, wat.I32(60), wat.Call(self), wat.I32(0))
	p, _ := start(t, b.Module(), Options{}, PluginConfig{Timeout: short})
	if !p.module.instrumented {
		t.Fatal("not instrumented")
	}
	s := stream(t, p, properties{})
	defer func() { _ = s.Close() }()
	_, err := s.RequestHeaders(headersOf(""), true)
	var trap *Trap
	if !errors.As(err, &trap) || !trap.Deadline {
		t.Error(err)
	}
}

// A module that runs before it is there is left to wazero's checks, which end it as well.
func TestStartFunctionsEnd(t *testing.T) {
	b := wat.New()
	b.Plugin()
	b.Start = b.Function(".start", ">", 0, wat.Loop(wat.Branch(0)))
	m := load(t, b.Module(), Options{})
	if m.instrumented {
		t.Fatal("instrumented")
	}
	_, err := m.Plugin(PluginConfig{Timeout: short, StartTimeout: short})
	var trap *Trap
	if !errors.As(err, &trap) || !trap.Deadline {
		t.Error(err)
	}
}

// Many guests that never end, at once, on more goroutines than there are processors: all end.
func TestEndlessGuestsDoNotStarveTheirWatchdog(t *testing.T) {
	p, _ := start(t, crashing(wat.Forever()), Options{}, PluginConfig{Timeout: short})
	results := make(chan error)
	const n = 8
	for range n {
		s := stream(t, p, properties{})
		go func() {
			_, err := s.RequestHeaders(headersOf(""), false)
			_ = s.Close()
			results <- err
		}()
	}
	for range n {
		select {
		case err := <-results:
			if !IsCrash(err) {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatal("a guest runs on")
		}
	}
}

// section is one of a module.
func section(id byte, body ...byte) []byte { return appendSection(nil, id, body) }

// manyLocals is a module with one function, which declares so many groups of locals that its bytes cannot hold them.
func manyLocals() []byte {
	code := append([]byte(nil), "\x00asm\x01\x00\x00\x00"...)
	code = append(code, section(1, 1, 0x60, 0, 0)...)
	code = append(code, section(sectionFunction, 1, 0)...)
	code = append(code, section(sectionMemory, 1, 0, 1)...)
	code = append(code, section(sectionExport, 0)...)
	body := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x0b}
	return append(code, section(sectionCode, append([]byte{1, byte(len(body))}, body...)...)...)
}

// A count out of a module is no reason to go on when its bytes are over.
func TestACountBeyondTheModuleEnds(t *testing.T) {
	done := make(chan error, 1)
	go func() {
		_, err := Load(context.Background(), manyLocals(), Options{})
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("loaded")
		}
	case <-time.After(patience):
		t.Fatal("it is still being read")
	}
}

// Code that would become many times as long is left to wazero's checks.
func TestInstrumentedCodeIsBounded(t *testing.T) {
	loops := func(n int) error {
		b := wat.New()
		b.Plugin()
		var code wat.Code
		for range n {
			code = append(code, wat.Loop()...)
		}
		b.Function("proxy_on_log", "i>", 0, code)
		_, err := instrument(b.Module())
		return err
	}
	if err := loops(10); err != nil {
		t.Error(err)
	}
	if err := loops(100_000); err == nil {
		t.Error("twelve times as long")
	}
}

// FuzzModule has modules be anything. Whatever they are, the host ends with an error or with an exchange.
func FuzzModule(f *testing.F) {
	reply := wat.New()
	send := host(reply, "proxy_send_local_response")
	reply.Plugin()
	reply.Function("proxy_on_request_headers", "iii>i", 0, wat.I32(200), reply.Text(""), reply.Text("x"), wat.I32(-1), wat.I32(99), wat.I32(0), wat.Call(send))
	for _, code := range [][]byte{
		reply.Module(), crashing(wat.Unreachable), crashing(wat.Forever()), crashing(wat.Call(2)), crashing(wat.LoadFrom(-1), wat.Drop),
		mapGuest(0, "proxy_get_header_map_pairs", func(*wat.Builder) wat.Code { return wat.Cat(wat.I32(0), outs()) }, true),
		crashing(wat.Loop(wat.I32(100), wat.MemoryGrow, wat.Drop, wat.Branch(0)), wat.Unreachable),
		[]byte("\x00asm\x01\x00\x00\x00"), manyLocals(),
	} {
		f.Add(code)
		f.Add(code[:len(code)/2])
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		ctx := context.Background()
		m, err := Load(ctx, code, Options{MemoryLimit: 1 << 20})
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without words")
			}
			return
		}
		defer m.Close(ctx)
		p, err := m.Plugin(PluginConfig{Timeout: 50 * time.Millisecond, StartTimeout: 50 * time.Millisecond})
		if err != nil {
			return
		}
		defer p.Close()
		s, err := p.Stream(properties{})
		if err != nil {
			return
		}
		_, _ = s.RequestHeaders(headersOf(":path: / | a: b"), false)
		_, _, _ = s.RequestBody([]byte("body"), true)
		_, _ = s.ResponseHeaders(headersOf(":status: 200"), true)
		_ = s.Close()
	})
}

func FuzzPairs(f *testing.F) {
	f.Add(Map(Pairs{{"a", "b"}, {"", ""}}))
	f.Add([]byte{1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := parsePairs(b)
		if again := p.append(nil); len(p) > 0 && string(again) != string(b) {
			t.Errorf("%q became %q", b, again)
		}
	})
}
