package neg

import "github.com/spillway-lb/spillway/internal/recompute"

// Units returns the translators of this package by unit kind. They read units and indexes of package fleet.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{
		UnitGroups:  translateGroups,
		UnitSizes:   translateSizes,
		unitMembers: translateMembers,
		unitNodes:   translateNodes,
		unitNode:    translateNode,
	}
}
