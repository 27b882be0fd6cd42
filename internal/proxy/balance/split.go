package balance

import (
	"math/rand/v2"
	"sync/atomic"
)

// golden is 2^32 divided by the golden ratio: its multiples modulo 2^32 are spread so evenly that every stretch of a
// sequence of choices is close to the weights.
const golden = 0x9E3779B9

// Split chooses among weights so that every stretch of choices is close to the weights.
type Split struct {
	next   atomic.Uint32
	bounds []uint32
}

// NewSplit takes the weights in order; at least one is above 0. One with weight 0 is never chosen.
func NewSplit(weights []uint32) *Split {
	shares := make([]float64, len(weights))
	for i, w := range weights {
		shares[i] = float64(w)
	}
	s := &Split{bounds: cumulate(shares)}
	s.next.Store(rand.Uint32())
	return s
}

// Next is the index of the chosen weight.
func (s *Split) Next() int {
	if len(s.bounds) == 1 {
		return 0
	}
	return search(s.bounds, s.next.Add(golden))
}

// unit is the end of the range of bounds: 2^31, so that the last bound fits a uint32.
const unit = 1 << 31

// cumulate turns shares, of which at least one is above 0, into exclusive upper bounds on 0..unit.
func cumulate(shares []float64) []uint32 {
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	bounds := make([]uint32, len(shares))
	last, acc := 0, 0.0
	for i, s := range shares {
		if s > 0 {
			last = i
		}
		acc += s
		bounds[i] = uint32(acc / sum * unit)
	}
	for i := last; i < len(bounds); i++ {
		bounds[i] = unit // whatever rounding left over; later shares are 0
	}
	return bounds
}

// search finds whose share a position in 0..2^32-1 falls in. Lists are short, so it is linear.
func search(bounds []uint32, at uint32) int {
	at >>= 1
	for i, b := range bounds {
		if at < b {
			return i
		}
	}
	return len(bounds) - 1
}

// Sampler says yes for a share of calls, evenly spread.
type Sampler struct {
	next  atomic.Uint32
	share uint64 // of 2^32
}

// NewSampler takes a share as numerator / denominator; a denominator of 0 means all.
func NewSampler(numerator, denominator uint32) *Sampler {
	s := &Sampler{share: 1 << 32}
	if denominator > 0 {
		s.share = uint64(min(1, float64(numerator)/float64(denominator)) * (1 << 32))
	}
	s.next.Store(rand.Uint32())
	return s
}

// Next says whether this call is in the sample.
func (s *Sampler) Next() bool {
	return s.share == 1<<32 || uint64(s.next.Add(golden)) < s.share
}
