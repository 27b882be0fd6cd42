package balance

import (
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/cespare/xxhash/v2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// hashTable maps a hash to an endpoint so that few hashes move when endpoints come and go. It depends on addresses and
// weights only, so every proxy has the same.
type hashTable interface {
	lookup(hash uint64) *Endpoint
}

// weighted is an endpoint with its share of its tier.
type weighted struct {
	endpoint *Endpoint
	weight   float64
}

func newHashTable(policy lbv1.LocalityPolicy, slots []*slot) hashTable {
	var all []weighted
	for _, s := range slots {
		for _, e := range s.endpoints {
			all = append(all, weighted{e, s.share / float64(len(s.endpoints))})
		}
	}
	slices.SortFunc(all, func(a, b weighted) int { return a.endpoint.Addr.Compare(b.endpoint.Addr) })
	all = slices.CompactFunc(all, func(a, b weighted) bool { return a.endpoint.Addr == b.endpoint.Addr })
	if policy == lbv1.LocalityPolicy_RING_HASH {
		return newRing(all)
	}
	return newMaglev(all)
}

// maglevSize is the number of entries of a Maglev table, a prime. It does not follow the number of endpoints, because
// another size would move every client.
const maglevSize = 65537

// maglev is the table of "Maglev: A Fast and Reliable Software Network Load Balancer", weighted as Envoy does it.
type maglev struct {
	entries   []uint32
	endpoints []weighted
}

func newMaglev(all []weighted) *maglev {
	m := &maglev{entries: make([]uint32, maglevSize), endpoints: all}
	type walk struct {
		at, skip uint64
		target   float64
	}
	walks := make([]walk, len(all))
	heaviest := 0.0
	for i := range all {
		h := all[i].endpoint.id
		walks[i] = walk{at: h % maglevSize, skip: xxhash.Sum64String(all[i].endpoint.Address+"#skip")%(maglevSize-1) + 1}
		heaviest = max(heaviest, all[i].weight)
	}
	taken := make([]bool, maglevSize)
	filled := 0
	for round := 1.0; filled < maglevSize; round++ {
		for i := 0; i < len(all) && filled < maglevSize; i++ {
			w := &walks[i]
			if round*all[i].weight < w.target { // a light endpoint takes part in some rounds only
				continue
			}
			w.target += heaviest
			for taken[w.at] {
				w.at = (w.at + w.skip) % maglevSize
			}
			taken[w.at] = true
			m.entries[w.at] = uint32(i)
			filled++
		}
	}
	return m
}

func (m *maglev) lookup(hash uint64) *Endpoint {
	return m.endpoints[m.entries[hash%maglevSize]].endpoint
}

const (
	// ringPerEndpoint is the number of points of an endpoint of average weight.
	ringPerEndpoint = 160
	minRing         = 1024
	maxRing         = 1 << 20
)

// ring is a hash ring in the manner of Ketama.
type ring struct {
	points []ringPoint
}

type ringPoint struct {
	hash     uint64
	endpoint *Endpoint
}

func newRing(all []weighted) *ring {
	sum := 0.0
	for _, w := range all {
		sum += w.weight
	}
	size := float64(min(max(minRing, ringPerEndpoint*len(all)), maxRing))
	r := &ring{}
	for _, w := range all {
		n := max(1, int(math.Round(w.weight/sum*size)))
		for i := range n {
			key := w.endpoint.Address + "_" + strconv.Itoa(i)
			r.points = append(r.points, ringPoint{xxhash.Sum64String(key), w.endpoint})
		}
	}
	slices.SortFunc(r.points, func(a, b ringPoint) int {
		switch {
		case a.hash < b.hash:
			return -1
		case a.hash > b.hash:
			return 1
		}
		return a.endpoint.Addr.Compare(b.endpoint.Addr)
	})
	return r
}

func (r *ring) lookup(hash uint64) *Endpoint {
	i := sort.Search(len(r.points), func(i int) bool { return r.points[i].hash >= hash })
	if i == len(r.points) {
		i = 0
	}
	return r.points[i].endpoint
}
