// Package fleet says which clusters belong together and which Services they share.
//
// In: Cluster objects, ServiceExports (net.gke.io and multicluster.x-k8s.io), the Services they name and those Services'
// EndpointSlices, of every cluster. Out, as recompute units: the members and the config cluster (UnitMembers); for each
// exported namespace and name, what its exports add up to (UnitImport), with the ServiceImports of both API groups, their
// derived Services and the exporters' EndpointSlices in every member; and the conditions and events of each ServiceExport.
//
//	config := recompute.Config{Units: fleet.Units(), Roots: fleet.Roots()}
//	store.New(fleet.Indexes()...)
//	members, _, _ := recompute.Value[*fleet.Fleet](view, fleet.UnitMembers, "")
//	imported, ok, held := recompute.Value[*fleet.Import](view, fleet.UnitImport, fleet.ImportKey("store", "store"))
//
// The merging rules are those of KEP-1645: ports are a union, for everything else the oldest export wins, and a
// difference is a Conflict on all exports of the name.
package fleet
