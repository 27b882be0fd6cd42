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
		for i, part := range parts {
			if len(part) > 10 {
				t.Errorf("part %d of %d members has %d", i, n, len(part))
			}
			for _, m := range part {
				seen[m] = true
			}
		}
		if len(seen) != n || len(parts) == 0 || len(parts) > 1+n/2 {
			t.Errorf("%d parts hold %d of %d members", len(parts), len(seen), n)
		}
	}
}

// changes counts the parts that are not what they were.
func changes(before, after [][]string) int {
	n := 0
	for i := range max(len(before), len(after)) {
		if i >= len(before) || i >= len(after) || !slices.Equal(before[i], after[i]) {
			n++
		}
	}
	return n
}

func TestOneMemberChangesOnePart(t *testing.T) {
	all := names(500)
	total := 0
	before := Split(all[:1], 10, self)
	for n := 2; n <= len(all); n++ {
		after := Split(all[:n], 10, self)
		if len(after) == len(before) && changes(before, after) != 1 {
			t.Errorf("member %d changed %d parts", n, changes(before, after))
		}
		total += changes(before, after)
		before = after
	}
	if total > 3*len(all) {
		t.Errorf("%d members changed %d parts", len(all), total)
	}
}

func TestEqualNamesEnd(t *testing.T) {
	if parts := Split(make([]string, 30), 10, self); len(parts) == 0 {
		t.Error("no parts")
	}
}
