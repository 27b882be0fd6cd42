package shard

import (
	"fmt"
	"slices"
	"testing"
)

func names(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint("member-", i))
	}
	return all
}

func self(s string) string { return s }

func TestSplitKeepsEveryMemberOnce(t *testing.T) {
	for _, n := range []int{0, 1, 10, 11, 1000} {
		parts := Split(names(n), 10, self)
		seen := map[string]bool{}
		indexes := map[uint32]bool{}
		for _, p := range parts {
			if len(p.Members) > 10 {
				t.Errorf("part %d of %d members has %d", p.Index, n, len(p.Members))
			}
			if indexes[p.Index] {
				t.Errorf("number %d is there twice", p.Index)
			}
			indexes[p.Index] = true
			for _, m := range p.Members {
				seen[m] = true
			}
		}
		if len(seen) != n || len(parts) == 0 {
			t.Errorf("%d parts hold %d of %d members", len(parts), len(seen), n)
		}
	}
}

func TestOneMemberChangesOnePart(t *testing.T) {
	all := names(500)
	before := map[uint32][]string{}
	for _, p := range Split(all, 10, self) {
		before[p.Index] = p.Members
	}
	changed := 0
	for _, p := range Split(all[:len(all)-1], 10, self) {
		if !slices.Equal(before[p.Index], p.Members) {
			changed++
		}
	}
	if changed > 1 {
		t.Errorf("%d parts changed", changed)
	}
}
