package wasm

import (
	"testing"

	"pgregory.net/rapid"
)

// What a callback is told is how many pairs the guest gets.
func TestTheCountIsThatOfTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &fields{}
		for range rapid.IntRange(0, 80).Draw(t, "fields") {
			h.list = append(h.list, Pair{rapid.SampledFrom([]string{":path", "a", "b", "ab", "cookie", setCookie, "x-long"}).Draw(t, "name"), "v"})
		}
		for _, join := range []bool{false, true} {
			if got, want := count(h, join), len(list(h, join)); got != want {
				t.Errorf("joined %v: %d, want %d of %s", join, got, want, h)
			}
		}
	})
}

// usual is the head of a request, as it lies in a proxy.
type usual struct {
	fixed
	names [][]byte
}

func (u *usual) Len() int                      { return len(u.names) }
func (u *usual) At(i int) (name, value []byte) { return u.names[i], nil }

func BenchmarkCount(b *testing.B) {
	u := &usual{}
	for _, name := range []string{
		":method", ":scheme", ":authority", ":path", "accept", "user-agent", "accept-encoding", "accept-language", "cookie", "referer", "x-request-id",
		"x-forwarded-for", "via", "traceparent",
	} {
		u.names = append(u.names, []byte(name))
	}
	b.ReportAllocs()
	for b.Loop() {
		count(u, true)
	}
}
