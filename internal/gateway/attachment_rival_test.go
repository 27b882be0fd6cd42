package gateway

import (
	"slices"
	"testing"
)

func TestWildcardsOfAHost(t *testing.T) {
	for host, want := range map[string][]string{
		"*":             nil,
		"com":           {"*"},
		"a.example.com": {"*", "*.example.com", "*.com"},
		"*.example.com": {"*", "*.com"},
	} {
		if got := wildcards(host); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
		for _, w := range wildcards(host) {
			if !covers(w, host) {
				t.Errorf("%s does not cover %s", w, host)
			}
		}
	}
}
