package metrics

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Latency histograms are log-linear: every power of two of microseconds is cut into 4 equal buckets, so a bucket is
// at most 25 % wide. The last one takes everything above about 134 s.
const (
	subBits   = 2
	subCount  = 1 << subBits
	maxOctave = 27
	// Values 0..3 us have a bucket each; each later octave has subCount.
	numBuckets = (maxOctave-subBits)*subCount + subCount + 1
)

// histogram is one shard's part of a latency histogram.
type histogram struct {
	sum     atomic.Uint64 // nanoseconds
	buckets [numBuckets]atomic.Uint64
}

func (h *histogram) observe(d time.Duration) {
	if d < 0 {
		d = 0
	}
	h.buckets[bucketOf(uint64(d/time.Microsecond))].Add(1)
	h.sum.Add(uint64(d))
}

// bucketOf gives the bucket of a latency in microseconds.
func bucketOf(us uint64) int {
	if us < subCount {
		return int(us)
	}
	octave := bits.Len64(us) - 1
	if octave >= maxOctave {
		return numBuckets - 1
	}
	sub := us >> (octave - subBits) & (subCount - 1)
	return (octave-subBits+1)*subCount + int(sub)
}

// upperBound gives the first latency, in microseconds, that is above bucket i. The last bucket has none.
func upperBound(i int) uint64 {
	if i < subCount {
		return uint64(i) + 1
	}
	octave := i/subCount + subBits - 1
	sub := uint64(i%subCount) + 1
	return 1<<octave + sub<<(octave-subBits)
}

// distribution is the sum of a histogram over shards.
type distribution struct {
	sum     uint64
	count   uint64
	buckets [numBuckets]uint64
}

func (d *distribution) add(h *histogram) {
	d.sum += h.sum.Load()
	for i := range h.buckets {
		n := h.buckets[i].Load()
		d.buckets[i] += n
		d.count += n
	}
}

// cumulative gives Prometheus' form: seconds -> number of observations at or below. Two bounds an octave are enough
// for alerts and keep a service's series count near 50.
func (d *distribution) cumulative() map[float64]uint64 {
	out := make(map[float64]uint64, 2*maxOctave)
	var running uint64
	for i := range numBuckets - 1 {
		running += d.buckets[i]
		if i >= firstExported && i%2 == 1 {
			out[float64(upperBound(i))/1e6] = running
		}
	}
	return out
}

// firstExported is the bucket that ends at 64 us: nothing faster is worth a series.
const firstExported = (6-subBits+1)*subCount - 1
