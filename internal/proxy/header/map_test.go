package header

import (
	"math/rand/v2"
	"slices"
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

// TestEditsAgreeWithAList makes random edits and asks for every name: what is known to be absent is.
func TestEditsAgreeWithAList(t *testing.T) {
	pool := []ID{Other, Host, Date, Via, Cookie, SetCookie, XForwardedFor, XRequestID}
	nameOf := func(id ID) []byte {
		if id == Other {
			return []byte("x-other")
		}
		return id.Name()
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		m, copied := &Map{}, &Map{}
		var want []ID
		for range 60 {
			id := pool[r.IntN(len(pool))]
			has := slices.Contains(want, id)
			without := slices.DeleteFunc(slices.Clone(want), func(o ID) bool { return o == id })
			switch r.IntN(6) {
			case 0, 1:
				m.Add(nameOf(id), []byte("v"))
				want = append(want, id)
			case 2:
				m.Set(nameOf(id), []byte("v"))
				if at := slices.Index(want, id); has {
					kept := len(slices.DeleteFunc(slices.Clone(want[:at]), func(o ID) bool { return o == id }))
					want = slices.Insert(without, kept, id)
				} else {
					want = append(want, id)
				}
			case 3:
				m.DelName(nameOf(id))
				want = without
			case 4:
				copied.CopyFrom(m)
				m, copied = copied, m
			case 5:
				if r.IntN(8) == 0 {
					m.Reset()
					want = want[:0]
				}
			}
			for _, id := range pool[1:] {
				n := len(want) - len(slices.DeleteFunc(slices.Clone(want), func(o ID) bool { return o == id }))
				if _, ok := m.Get(id); ok != (n > 0) || m.Count(id) != n {
					t.Fatalf("seed %d: %s is there: %v, %d times; want %d", seed, id.Name(), ok, m.Count(id), n)
				}
			}
			if m.Len() != len(want) {
				t.Fatalf("seed %d: %d fields, want %d", seed, m.Len(), len(want))
			}
		}
	}
}

// browser is the head of a request as browsers write it.
func browser() *Map {
	return mapOf("host", "store.example.com", "connection", "keep-alive", "cache-control", "no-cache", "user-agent", "Mozilla/5.0",
		"accept", "text/html", "sec-fetch-site", "none", "sec-fetch-mode", "navigate", "accept-encoding", "gzip, br",
		"accept-language", "en", "cookie", "a=b", "referer", "https://store.example.com/", "x-request-id", "1")
}

// BenchmarkAbsent asks what an exchange asks of a head, most of which is not there.
func BenchmarkAbsent(b *testing.B) {
	m := browser()
	b.ReportAllocs()
	for b.Loop() {
		for _, id := range [...]ID{Traceparent, Traceparent, XCloudTraceContext, XForwardedFor, XForwardedProto, GrpcTimeout, ContentType, Trailer, Expect, Host, Upgrade, TE} {
			m.Get(id)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	m := browser()
	b.ReportAllocs()
	for b.Loop() {
		for i := range m.Len() {
			Lookup(m.At(i).Name)
		}
	}
}
