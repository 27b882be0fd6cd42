// Package translate puts the translators together: the fleet, NEGs, the Gateway API, Ingresses, policies and extensions become one
// recompute.Config, whose rounds are the load balancer model.
//
// In: nothing but options. Out: the units, roots and store indexes; and a Publisher that runs each round through the
// proxy's own compiler before it goes out, so that what a proxy would refuse never leaves.
//
//	s := store.New(translate.Indexes()...)
//	engine := recompute.New(translate.Config(translate.Options{}))
//	publisher := translate.NewPublisher()
//	round := engine.Run(s.Subscribe().Take())
//	tx, refusals := publisher.Check(round.Tx)
package translate

import (
	"maps"
	"slices"

	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/extension"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/refgrant"
	"github.com/spillway-lb/spillway/internal/store"
)

// Options are the facts that no object holds.
type Options = gateway.Options

// Units returns every translator by unit kind.
func Units(o Options) map[string]recompute.Translator {
	all := map[string]recompute.Translator{}
	for _, units := range []map[string]recompute.Translator{
		fleet.Units(), neg.Units(), policy.Units(gateway.CheckPolicy(o)), frontend.Units(), configuration.Units(), refgrant.Units(),
		backend.Units(backend.Options{Home: o.Home, Traffic: o.Traffic}), gateway.Units(o), extension.Units(),
		ingress.Units(ingress.Options{Home: o.Home}),
	} {
		maps.Copy(all, units)
	}
	all[gateway.UnitBuiltinClasses], _ = gateway.BuiltinClasses()
	return all
}

// Roots returns every kind of object that makes units exist.
func Roots() []recompute.Root {
	_, builtinClasses := gateway.BuiltinClasses()
	return append(slices.Concat(fleet.Roots(), policy.Roots(), gateway.Roots(), extension.Roots(), ingress.Roots(), configuration.Roots(), neg.Roots()), builtinClasses)
}

// Indexes returns the store indexes that the units read.
func Indexes() []store.Index {
	return slices.Concat(fleet.Indexes(), policy.Indexes(), gateway.Indexes(), extension.Indexes(), ingress.Indexes())
}

// Config is what an engine computes without a past.
func Config(o Options) recompute.Config {
	return recompute.Config{Units: Units(o), Roots: Roots()}
}
