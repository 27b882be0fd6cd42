package unitkey_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spillway-lb/spillway/internal/unitkey"
)

func TestKeysAreReadable(t *testing.T) {
	if got := unitkey.Join("Gateway/c/ns/web", "", "80"); got != "Gateway/c/ns/web||80" {
		t.Error(got)
	}
}

// TestSplitIsTheInverse holds for parts that hold the codec's own characters: so no two lists of parts share a key.
func TestSplitIsTheInverse(t *testing.T) {
	part := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune(`|\0a`+"\x00")), 0, 6, -1))
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(part, 1, 5).Draw(t, "parts")
		key := unitkey.Join(parts...)
		if got, ok := unitkey.Split(key, len(parts)); !ok || !slices.Equal(got, parts) {
			t.Errorf("%q became %q and then %q, %v", parts, key, got, ok)
		}
		if strings.ContainsRune(key, 0) {
			t.Errorf("%q holds a NUL", key)
		}
		if _, ok := unitkey.Split(key, len(parts)+1); ok {
			t.Errorf("%q has one part more than it has", key)
		}
	})
}
