// Package subset says what of the model each location needs, so that it holds and probes nothing else.
//
// In: published transactions, and the locations that come and go. Out: for each location, transactions with what its
// forwarding rules reach: their target proxies, those' URL maps with their rules, the backend services of these with health
// checks, groups and endpoints, and what else they refer to. A forwarding rule with an address in the location's region, or
// with one that has no region, is the location's; of weights it gets its own.
//
//	model := subset.New()
//	first := model.Open("us-west1")      // what it starts with
//	for at, tx := range model.Apply(tx) { ... }
//	model.Close("us-west1")
//
// What a location holds is closed under references (config.References), and depends on what is published alone, not on the
// way there. An edit costs what it changes of resources and of what is reached, not what there is.
package subset
