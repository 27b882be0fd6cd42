package extension

import (
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	unitMember       = "extension.member"
	unitAttachment   = "extension.attachment"
	unitPlugin       = "extension.plugin"
	unitStatus       = "extension.status"
	unitPluginStatus = "extension.pluginstatus"
	unitUpstreams    = "extension.upstreams"
)

// indexTargets files extensions under the Gateways that they name.
const indexTargets = "extension.targets."

// kinds are the kinds of extensions.
func kinds() []string { return []string{kind.GCPRoutingExtension, kind.GCPTrafficExtension} }

// Units returns the translators of this package by unit kind. They read units of packages gateway, backend and neg.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{
		unitMember:              translateMember,
		unitAttachment:          translateAttachment,
		unitPlugin:              translatePlugin,
		unitGoogleAPI:           translateGoogleAPI,
		unitUpstreams:           translateUpstreams,
		unitStatus:              translateStatus,
		unitPluginStatus:        translatePluginStatus,
		frontend.UnitExtensions: translateExtensions,
	}
}

// Roots returns the object kinds that make units of this package exist.
func Roots() []recompute.Root {
	return []recompute.Root{
		{Kind: kind.GCPRoutingExtension, Unit: unitStatus},
		{Kind: kind.GCPTrafficExtension, Unit: unitStatus},
		{Kind: kind.GCPWasmPlugin, Unit: unitPluginStatus},
	}
}

// Indexes returns the store indexes that the units read.
func Indexes() []store.Index {
	var all []store.Index
	for _, k := range kinds() {
		all = append(all, store.Index{Name: indexTargets + k, Kind: k, Keys: targetKeys})
	}
	return all
}

func targetKeys(ref store.Ref, o store.Object) []string {
	var keys []string
	for _, t := range specOf(o).TargetRefs {
		if gateway, ok := targetOf(ref, t); ok {
			keys = append(keys, gateway.String())
		}
	}
	return keys
}
