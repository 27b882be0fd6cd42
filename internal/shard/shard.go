// Package shard splits a set into parts of bounded size, such that a member that comes or goes changes one part.
//
// In: members, the name by which each is known, and the largest size of a part. Out: parts with stable numbers. Where a
// member belongs depends on the set only, not on how it came to be.
//
//	for _, part := range shard.Split(endpoints, 256, nameOf) { ... part.Index, part.Members ... }
package shard

import (
	"crypto/sha256"
	"encoding/binary"
)

// maxDepth bounds the splitting; 2^20 parts are far beyond any set.
const maxDepth = 20

// Part is a leaf of a binary tree over the hashes of names. A leaf that is too full splits in two.
type Part[T any] struct {
	// Index numbers the nodes of the tree as a heap does: the children of i are 2i+1 and 2i+2, so numbers have gaps.
	Index   uint32
	Members []T
}

// Split splits members, keeping their order within a part. An empty set has one empty part.
func Split[T any](members []T, limit int, name func(T) string) []Part[T] {
	return split(nil, Part[T]{Members: members}, limit, name, 0)
}

func split[T any](out []Part[T], p Part[T], limit int, name func(T) string, depth int) []Part[T] {
	if len(p.Members) <= limit || depth == maxDepth {
		return append(out, p)
	}
	left, right := Part[T]{Index: 2*p.Index + 1}, Part[T]{Index: 2*p.Index + 2}
	for _, m := range p.Members {
		if hash(name(m))>>depth&1 == 0 {
			left.Members = append(left.Members, m)
		} else {
			right.Members = append(right.Members, m)
		}
	}
	return split(split(out, left, limit, name, depth+1), right, limit, name, depth+1)
}

func hash(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.LittleEndian.Uint64(sum[:])
}
