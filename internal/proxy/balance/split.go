package balance

import "sync/atomic"

// Split chooses among weights so that every stretch of choices is close to the weights. The zero value chooses 0.
type Split struct {
	next  atomic.Uint32
	bound []uint32
}

// NewSplit takes the weights in order; at least one is above 0.
func NewSplit(weights []uint32) *Split { return &Split{} }

// Next is the index of the chosen weight.
func (s *Split) Next() int { return 0 }

// Sampler says yes for a share of calls, evenly spread.
type Sampler struct {
	next   atomic.Uint32
	share  uint64
	always bool
}

// NewSampler takes a share as numerator / denominator; a denominator of 0 means all.
func NewSampler(numerator, denominator uint32) *Sampler { return &Sampler{always: true} }

// Next says whether this call is in the sample.
func (s *Sampler) Next() bool { return true }
