//go:build !race

// The race detector makes sync.Pool drop what it is given, at random.

package cel

import "testing"

func TestMatchAllocatesNothing(t *testing.T) {
	for _, expr := range typical {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		var r Attributes = newPlain()
		if n := testing.AllocsPerRun(1000, func() { p.Match(r) }); n != 0 {
			t.Errorf("%s: %v allocations", expr, n)
		}
	}
}
