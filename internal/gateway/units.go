package gateway

import (
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Units returns the translators of this package by unit kind. They read units of packages fleet and neg.
func Units(o Options) map[string]recompute.Translator {
	return map[string]recompute.Translator{
		UnitClass:                     classUnit{classes()}.translate,
		UnitListeners:                 listenersUnit{o}.translate,
		unitAttachment:                translateAttachment,
		unitRoute:                     translateRoute,
		unitNamespace:                 translateNamespace,
		unitSettings:                  translateSettings,
		unitServed:                    translateServed,
		unitCertificate:               ofListener(translateCertificate, 1),
		unitAuthority:                 ofListener(translateAuthority, 1),
		unitClients:                   ofListener(translateClients, 0),
		unitCertificates:              ofListener(translateCertificates, 0),
		unitAddresses:                 addressesUnit{o}.translate,
		unitPorts:                     translatePorts,
		unitURLMap:                    translateURLMap,
		unitFrontend:                  translateFrontend,
		unitGateway:                   translateGateway,
		unitGatewayClass:              translateGatewayClass,
		unitListenerSet:               translateListenerSet,
		unitServedSet:                 translateServedSet,
		unitVerdict:                   verdictUnit{o}.translate,
		backend.UnitClientCertificate: translateClientCertificate,
	}
}

// Roots returns the object kinds that make units of this package exist.
func Roots() []recompute.Root {
	return []recompute.Root{
		{Kind: kind.GatewayClass, Unit: unitGatewayClass},
		{Kind: kind.Gateway, Unit: unitGateway},
		{Kind: kind.ListenerSet, Unit: unitListenerSet},
		{Kind: kind.HTTPRoute, Unit: unitRoute},
		{Kind: kind.GRPCRoute, Unit: unitRoute},
	}
}

// Indexes returns the store indexes that the units read.
func Indexes() []store.Index {
	return []store.Index{
		{Name: indexCertmap, Kind: kind.Secret, Keys: certmapKeys},
		{Name: IndexSets, Kind: kind.ListenerSet, Keys: setKeys},
	}
}

func heldOrAbsent(held bool) recompute.Result {
	if held {
		return recompute.Result{State: recompute.Held}
	}
	return recompute.Result{}
}
