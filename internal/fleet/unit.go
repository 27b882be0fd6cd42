package fleet

import (
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Unit kinds that stay inside the package.
const (
	unitExport    = "fleet.export"    // key: a ServiceExport's Ref; writes its status and events
	unitMerge     = "fleet.merge"     // key: ImportKey; value *merged
	unitAddresses = "fleet.addresses" // key: a cluster; value map of NAMESPACE/NAME to ClusterSetIP
	unitAddress   = "fleet.address"   // key: of addressKey; value the address as a string
	unitSlice     = "fleet.slice"     // key: an exported EndpointSlice's Ref; writes its copies
)

// Indexes of ServiceExports by ImportKey, over all clusters.
const (
	indexExports    = "fleet.exports"
	indexMCSExports = "fleet.mcsexports"
)

// Units returns the translators of this package by unit kind.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{
		UnitMembers:       translateMembers,
		unitMember:        translateMember,
		unitRegions:       translateRegions,
		unitConfigCluster: translateConfigCluster,
		UnitImport:        translateImport,
		unitExport:        translateExport,
		unitMerge:         translateMerge,
		unitAddresses:     translateAddresses,
		unitAddress:       translateAddress,
		unitSlice:         translateSlice,
		unitNeed:          translateNeed,
	}
}

// Roots returns the object kinds that make units of this package exist.
func Roots() []recompute.Root {
	return []recompute.Root{
		{Kind: kind.ServiceExport, Unit: unitExport},
		{Kind: kind.MCSServiceExport, Unit: unitExport},
	}
}

// Indexes returns the store indexes that the units read.
func Indexes() []store.Index {
	byName := func(ref store.Ref, _ store.Object) []string { return []string{ImportKey(ref.Namespace, ref.Name)} }
	return []store.Index{
		{Name: indexExports, Kind: kind.ServiceExport, Keys: byName},
		{Name: indexMCSExports, Kind: kind.MCSServiceExport, Keys: byName},
		{Name: indexSlices, Kind: kind.EndpointSlice, Keys: sliceKeys},
	}
}
