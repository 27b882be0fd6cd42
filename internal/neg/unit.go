package neg

import (
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Units returns the translators of this package by unit kind. They read units and indexes of package fleet.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{
		UnitGroups:  translateGroups,
		UnitSizes:   translateSizes,
		unitMembers: translateMembers,
		unitNodes:   translateNodes,
		unitNode:    translateNode,
		unitPod:     translatePod,
		unitWanted:  translateWanted,
		unitService: translateService,
		unitObject:  translateObject,
		unitZones:   translateZones,
		unitCluster: translateCluster,
		unitOrphans: translateOrphans,

		unitUnlisted: translateUnlisted,
	}
}

// Roots are the objects that make units exist whether a backend service asks for them or not.
func Roots() []recompute.Root {
	return []recompute.Root{
		{Kind: kind.Service, Unit: unitService},
		{Kind: kind.ServiceNetworkEndpointGroup, Unit: unitObject},
		{Kind: kind.Cluster, Unit: unitCluster},
	}
}
