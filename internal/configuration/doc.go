// Package configuration reads Configurations, the objects that belong to no single cluster, for those who translate.
//
// In: Configurations through a recompute.View. Out: each list of settings as the value of a unit of its own, so that an edit
// of one wakes the readers of that one only; and the condition of a Configuration whose settings name what does not exist, or
// cannot be read.
//
//	for _, f := range configuration.Frontends(view) { ... f.Gateway.Selects(cluster, namespace, name) ... }
package configuration
