// Package neg makes network endpoint groups of Services.
//
// In: a Service port and the Service's EndpointSlices, the cluster's Nodes and their zones. Out, as recompute units: for
// each Service port, one group a zone (UnitGroups), with its membership as lb resources in shards of at most 256
// endpoints.
//
//	groups, ok, held := recompute.Value[*neg.Groups](view, neg.UnitGroups, neg.Key("gke-west-1", "store", "store", 8080))
//
// A Service that asks for groups by its annotation, or that an Ingress sends to, has them without a reader, too (roots; package
// annotation says what it asks for), with a ServiceNetworkEndpointGroup each. What their endpoints come to is checked strictly, and
// reported to package controller by Writes of PartReport.
//
// A unit's value holds no endpoints, so a Pod that comes or goes re-runs this unit and none of its readers. A group
// exists in every zone that has a Node, also when it is empty; names are GKE's.
package neg
