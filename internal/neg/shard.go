package neg

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// maxShard is the largest number of endpoints in a shard.
const maxShard = 256

// maxDepth bounds the splitting; 2^20 shards are far beyond any group.
const maxDepth = 20

// shard is a leaf of a binary tree over the hashes of endpoint addresses. A full leaf splits in two, so that a change
// of one endpoint changes one leaf, or rarely three, whatever the size of the group. Where an endpoint belongs depends
// on the set of endpoints only.
type shard struct {
	// index numbers the nodes of the tree as a heap does: the children of i are 2i+1 and 2i+2.
	index     uint32
	endpoints []*lbv1.Endpoint
}

// shardsOf splits endpoints, keeping their order within a shard. A group without endpoints has one empty shard.
func shardsOf(endpoints []*lbv1.Endpoint) []shard {
	return split(nil, shard{endpoints: endpoints}, 0)
}

func split(out []shard, s shard, depth int) []shard {
	if len(s.endpoints) <= maxShard || depth == maxDepth {
		return append(out, s)
	}
	left, right := shard{index: 2*s.index + 1}, shard{index: 2*s.index + 2}
	for _, e := range s.endpoints {
		if hash(e)>>depth&1 == 0 {
			left.endpoints = append(left.endpoints, e)
		} else {
			right.endpoints = append(right.endpoints, e)
		}
	}
	return split(split(out, left, depth+1), right, depth+1)
}

func hash(e *lbv1.Endpoint) uint64 {
	sum := sha256.Sum256([]byte(e.GetAddress() + ":" + strconv.FormatUint(uint64(e.GetPort()), 10)))
	return binary.LittleEndian.Uint64(sum[:])
}
