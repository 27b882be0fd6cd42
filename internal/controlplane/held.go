package controlplane

import (
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// stillWanted leaves out what a later change replaces or takes back: an event that has lost its reason while statuses were
// held has not happened.
func stillWanted(held []recompute.WriteChange) []recompute.WriteChange {
	type key struct {
		ref  store.Ref
		part recompute.Part
		key  string
	}
	keyOf := func(c *recompute.WriteChange) key { return key{c.Ref, c.Part, c.Key} }
	last := make(map[key]int, len(held))
	for i := range held {
		last[keyOf(&held[i])] = i
	}
	var out []recompute.WriteChange
	for i := range held {
		if last[keyOf(&held[i])] == i {
			out = append(out, held[i])
		}
	}
	return out
}
