// Package cluster keeps in the store what the API servers of clusters hold, as long as they are wanted.
//
// In: the wanted members (a name, how to reach it, where it stands) and a store. Out: each member's objects of the kinds of package
// kind, slimmed to what is read of them; for each kind whether it has been listed (fact.Listed); a Cluster object that says whether
// the member answers. A member that does not answer keeps what was last known, marked as such, for a bounded time.
//
//	set := cluster.New(cluster.Config{Store: s, Install: "spillway", Say: say, Now: time.Now})
//	set.Follow([]cluster.Member{{Name: "gke-west-1", REST: config, ConfigCluster: true}})
//	go set.Run(ctx)
//	<-set.Settled() // everything is listed, restored, or known to be away
//
// What is decided is decided by core, which has no clock, no client and no store; the rest carries it out.
package cluster
