package serve

import (
	"slices"

	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// indexes are what every unit and the standalone controllers read.
func indexes() []store.Index { return slices.Concat(translate.Indexes(), standalone.Indexes()) }

// options are those of the translators.
func options(from string) translate.Options {
	return translate.Options{Home: from, Traffic: translate.Proximity()}
}
