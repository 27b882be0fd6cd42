package wasm

import (
	"errors"
	"testing"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// Many small changes are as large as a large one.
func TestChangesOfACallbackHaveALimitTogether(t *testing.T) {
	for _, c := range []struct {
		profile Profile
		times   int32
		fails   bool
	}{{GCP, 10, false}, {GCP, 200, true}, {Full, 200, false}, {Full, 1100, true}} {
		b := wat.New()
		add := b.Import("env", "proxy_add_header_map_value", "iiiii>i")
		b.Plugin()
		name := b.Text("x-a")
		b.Function("proxy_on_request_headers", "iii>i", 1, wat.I32(c.times), wat.SetLocal(3), wat.Loop(
			wat.I32(0), name, wat.I32(4096), wat.I32(1000), wat.Call(add), wat.Drop,
			wat.Local(3), wat.I32(-1), wat.Add, wat.Code{0x22, 0x03}, wat.Code{0x0d, 0x00}), wat.I32(0))
		p, _ := start(t, b.Module(), Options{Profile: c.profile}, PluginConfig{})
		s := stream(t, p, properties{})
		h := headersOf("")
		if _, err := s.RequestHeaders(h, true); errors.Is(err, ErrMutation) != c.fails || !c.fails && err != nil {
			t.Errorf("%s, %d fields: %v", c.profile, c.times, err)
		}
		if n := size(h); n > maxFullHeaders {
			t.Errorf("%s: %d bytes are set", c.profile, n)
		}
		_ = s.Close()
	}
}

// White space at the ends is no part of a value, however it is set.
func TestValuesAreTrimmed(t *testing.T) {
	for name, f := range map[string]func(b *wat.Builder) wat.Code{
		"add": func(b *wat.Builder) wat.Code {
			add := b.Import("env", "proxy_add_header_map_value", "iiiii>i")
			return wat.Cat(wat.I32(0), b.Text("a"), b.Text(" \tx y "), wat.Call(add), wat.Drop)
		},
		"replace": func(b *wat.Builder) wat.Code {
			set := b.Import("env", "proxy_replace_header_map_value", "iiiii>i")
			return wat.Cat(wat.I32(0), b.Text("a"), b.Text("\tx y\t"), wat.Call(set), wat.Drop)
		},
		"all": func(b *wat.Builder) wat.Code {
			set := b.Import("env", "proxy_set_header_map_pairs", "iii>i")
			return wat.Cat(wat.I32(0), b.Text(string(Pairs{{"a", "  x y"}}.append(nil))), wat.Call(set), wat.Drop)
		},
	} {
		b := wat.New()
		code := f(b)
		b.Plugin()
		b.Function("proxy_on_request_headers", "iii>i", 0, code, wat.I32(0))
		p, _ := start(t, b.Module(), Options{}, PluginConfig{})
		s, h := stream(t, p, properties{}), headersOf("")
		if _, err := s.RequestHeaders(h, true); err != nil || h.String() != "a: x y" {
			t.Errorf("%s: %q, %v", name, h, err)
		}
		_ = s.Close()
	}
}
