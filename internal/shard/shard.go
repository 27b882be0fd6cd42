// Package shard splits a set into parts of bounded size, such that a member that comes or goes changes one part.
//
// In: members, the name by which each is known, and the largest size of a part. Out: parts, numbered from 0. Where a
// member belongs depends on the set only, not on how it came to be.
//
//	for index, part := range shard.Split(endpoints, 256, nameOf) { ... }
//
// It is linear hashing: one part more splits one part in two and leaves the others as they are.
package shard

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Split splits members into the smallest number of parts that leaves none above the limit, keeping their order within
// a part. An empty set has one empty part.
func Split[T any](members []T, limit int, name func(T) string) [][]T {
	if len(members) <= limit {
		return [][]T{members}
	}
	hashes := make([]uint64, len(members))
	for i, m := range members {
		sum := sha256.Sum256([]byte(name(m)))
		hashes[i] = binary.LittleEndian.Uint64(sum[:])
	}
	parts := make([][]T, number(hashes, limit))
	for i, m := range members {
		b := bucket(hashes[i], len(parts))
		parts[b] = append(parts[b], m)
	}
	return parts
}

// number is the smallest number of parts that will do. It is at most twice the number of members, which is more than
// enough unless hashes collide.
func number(hashes []uint64, limit int) int {
	n := (len(hashes) + limit - 1) / limit
	for ; n < 2*len(hashes); n++ {
		if fits(hashes, n, limit) {
			break
		}
	}
	return n
}

func fits(hashes []uint64, n, limit int) bool {
	size := make([]int, n)
	for _, h := range hashes {
		b := bucket(h, n)
		size[b]++
		if size[b] > limit {
			return false
		}
	}
	return true
}

// bucket is the hash modulo the next power of two, or modulo half of that where this bucket has not been split yet.
func bucket(h uint64, n int) int {
	level := bits.Len(uint(n - 1))
	b := int(h & (1<<level - 1))
	if b >= n {
		b &= 1<<(level-1) - 1
	}
	return b
}
