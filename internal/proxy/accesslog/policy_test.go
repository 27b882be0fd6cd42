package accesslog

import (
	"math"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestSampling(t *testing.T) {
	for name, c := range map[string]struct {
		logging *lbv1.Logging
		below   uint64
	}{
		"unset":    {nil, 0},
		"disabled": {&lbv1.Logging{SampleRate: 1}, 0},
		"zero":     {&lbv1.Logging{Enabled: true}, 0},
		"NaN":      {&lbv1.Logging{Enabled: true, SampleRate: math.NaN()}, 0},
		"half":     {&lbv1.Logging{Enabled: true, SampleRate: 0.5}, 1 << 31},
		"all":      {&lbv1.Logging{Enabled: true, SampleRate: 1}, 1 << 32},
		"too much": {&lbv1.Logging{Enabled: true, SampleRate: 7}, 1 << 32},
	} {
		p := CompilePolicy(c.logging)
		if got := p.Sample(0); got != (c.below > 0) {
			t.Errorf("%s: the smallest number is %t", name, got)
		}
		if got := p.Sample(math.MaxUint32); got != (c.below > math.MaxUint32) {
			t.Errorf("%s: the largest number is %t", name, got)
		}
		if c.below > 0 && c.below <= math.MaxUint32 && (!p.Sample(uint32(c.below-1)) || p.Sample(uint32(c.below))) {
			t.Errorf("%s: the edge is not at %d", name, c.below)
		}
	}
}
