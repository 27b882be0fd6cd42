// Package neg makes network endpoint groups of Services.
//
// In: a Service port and the Service's EndpointSlices, the cluster's Nodes and their zones. Out, as recompute units: for
// each Service port, one group a zone (UnitGroups), with its membership as lb resources in shards of at most 256
// endpoints.
//
//	groups, ok, held := recompute.Value[*neg.Groups](view, neg.UnitGroups, neg.Key("gke-west-1", "store", "store", 8080))
//
// A unit's value holds no endpoints, so a Pod that comes or goes re-runs this unit and none of its readers. A group
// exists in every zone that has a Node, also when it is empty; names are GKE's.
package neg
