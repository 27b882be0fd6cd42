// Package fact has the types of what Spillway finds out while it runs and that no object says: how far the proxies have
// come, which addresses the host has, what the probers think of endpoints, which routes lead to nobody, which kinds have been
// listed.
//
// In: nothing; out: names of facts in the store and the values that they have. Control planes and data planes set them,
// units read them as any other input:
//
//	progress, ok := recompute.Fact[fact.Progress](view, fact.ProgressOf(gateway))
//	programmed := ok && progress.Done()
//
// A value is never changed once it is set.
package fact

import "github.com/spillway-lb/spillway/internal/store"

// Kinds of facts.
const (
	KindProgress    = "progress"
	KindHostAddress = "host-address"
	KindHealth      = "health"
	KindListed      = "listed"
	KindImage       = "image"
)

// separator stands between the parts of a key; none of them holds one.
const separator = "\n"

// Listed names the fact that a kind of a cluster has been listed. Its value is a bool: false while a list is on its way,
// in which case units that enumerate have to hold. Without a value the kind counts as listed: a source that knows
// everything at once, such as a directory that nobody writes to, sets none. The list of clusters itself is that of
// kind.Cluster in cluster "".
func Listed(cluster, kind string) store.Fact {
	return store.Fact{Kind: KindListed, Key: cluster + separator + kind}
}
