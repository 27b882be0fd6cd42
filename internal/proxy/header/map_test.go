package header

import (
	"strings"
	"testing"
)

// list writes a map as "name: value; ..." in wire order.
func list(m *Map) string {
	var parts []string
	for i := range m.Len() {
		parts = append(parts, string(m.At(i).Name)+": "+string(m.At(i).Value))
	}
	return strings.Join(parts, "; ")
}

func mapOf(fields ...string) *Map {
	m := &Map{}
	for i := 0; i < len(fields); i += 2 {
		m.Add([]byte(fields[i]), []byte(fields[i+1]))
	}
	return m
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Map)
		want string
	}{
		{"set replaces all, at the place of the first", func(m *Map) { m.Set([]byte("x-a"), []byte("9")) }, "x-a: 9; host: h; via: v"},
		{"set adds what is missing", func(m *Map) { m.Set([]byte("x-b"), []byte("9")) }, "x-a: 1; host: h; x-a: 2; via: v; x-b: 9"},
		{"set of a known name", func(m *Map) { m.Set([]byte("host"), []byte("i")) }, "x-a: 1; host: i; x-a: 2; via: v"},
		{"set by number adds what is missing", func(m *Map) { m.SetID(Date, []byte("now")) }, "x-a: 1; host: h; x-a: 2; via: v; date: now"},
		{"delete removes all", func(m *Map) { m.DelName([]byte("x-a")) }, "host: h; via: v"},
		{"delete of a known name", func(m *Map) { m.DelName([]byte("via")) }, "x-a: 1; host: h; x-a: 2"},
		{"delete of what is missing", func(m *Map) { m.Del(Date) }, "x-a: 1; host: h; x-a: 2; via: v"},
		{"reset", (*Map).Reset, ""},
	} {
		m := mapOf("x-a", "1", "host", "h", "x-a", "2", "via", "v")
		c.edit(m)
		if got := list(m); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestACopyIsEditedAlone(t *testing.T) {
	original := mapOf("host", "h", "via", "v")
	var edited Map
	edited.CopyFrom(original)
	edited.Set([]byte("host"), []byte("other"))
	edited.Del(Via)
	if got := list(original); got != "host: h; via: v" {
		t.Errorf("the original became %q", got)
	}
}

func TestEveryNumberHasItsName(t *testing.T) {
	for id := Other + 1; id < numIDs; id++ {
		if got := Lookup(id.Name()); got != id {
			t.Errorf("Lookup(%q) = %d, want %d", id.Name(), got, id)
		}
	}
	if Lookup([]byte("x-unknown")) != Other || Lookup(nil) != Other {
		t.Error("an unknown name has a number")
	}
}

func TestLookups(t *testing.T) {
	m := mapOf("cookie", "a", "x-a", "1", "cookie", "b")
	if v, ok := m.Get(Cookie); !ok || string(v) != "a" {
		t.Errorf("Get: %q, %v", v, ok)
	}
	if v, ok := m.GetName([]byte("x-a")); !ok || string(v) != "1" {
		t.Errorf("GetName: %q, %v", v, ok)
	}
	if _, ok := m.GetName([]byte("x-b")); ok {
		t.Error("found a field that is not there")
	}
	if n := m.Count(Cookie); n != 2 {
		t.Errorf("Count = %d", n)
	}
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	m := mapOf("host", "h", "x-a", "1")
	name := []byte("x-a")
	if n := testing.AllocsPerRun(100, func() { m.GetName(name); m.Get(Host); Lookup(name) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
