package serve

import (
	"net/netip"
	"testing"
)

func TestHostHas(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1": true, "127.99.1.7": true, "0.0.0.0": true,
		"198.51.100.7": false, // for documentation, so nobody has it
	} {
		if got := hostHas(netip.MustParseAddr(text)); got != want {
			t.Errorf("hostHas(%s) = %t", text, got)
		}
	}
}
